"""Working hours. MiniStack keeps the schedules but cannot run what they target, so their requests are sent from here."""

import json
import time

from scenario import expect, scenario
from transcripts import transcript


@scenario("outside the hours uploads wait; once they begin they are summarized; without hours the poller is open")
def wait_until_open(stack):
    with stack.changed(ProcessFrom="22:00", ProcessUntil="06:30"):
        switch(stack, "CloseSchedule", "cron(30 06 * * ? *)")
        stack.upload("hours/night.txt", transcript(2000, 40))
        # Longer than the poller needs.
        time.sleep(3)
        expect("night.txt" not in str(stack.said()), f"it was worked on: {stack.said()}")
        expect(stack.waiting() == (1, 0), f"the queue has {stack.waiting()}")
        switch(stack, "OpenSchedule", "cron(00 22 * * ? *)")
        stack.result("hours/night.txt")
        stack.quiet()
        switch(stack, "CloseSchedule", "cron(30 06 * * ? *)")
    stack.upload("hours/day.txt", transcript(2000, 41))
    stack.result("hours/day.txt")


@scenario("hours with one end, or of no length, are refused at deployment")
def refused(stack):
    for hours, named in (
        ({"ProcessFrom": "22:00"}, "ProcessUntil"),
        ({"ProcessUntil": "06:00"}, "ProcessFrom"),
        ({"ProcessFrom": "22:00", "ProcessUntil": "22:00"}, "same time"),
    ):
        message = stack.refusal(hours)
        expect(named in message, f"of {hours} it is said: {message!r}")


def switch(stack, schedule, expression):
    """Does what the schedule would do at its time."""
    name = stack.physical(schedule)
    found = stack.cloud.client("scheduler").get_schedule(Name=name)
    expect(found["ScheduleExpression"] == expression, f"{schedule} runs at {found['ScheduleExpression']}")
    wanted = json.loads(found["Target"]["Input"])
    stack.lambdas.update_event_source_mapping(UUID=wanted["Uuid"], Enabled=wanted["Enabled"])
