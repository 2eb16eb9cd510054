"""The function without each of its permissions."""

from policies import check_named_when_missing, granted
from scenario import expect, scenario


@scenario("without each permission of the function in turn an error names it; once it is back the upload gets its summary")
def each_permission(stack):
    table = granted(stack)
    expect(len(table) >= 3, f"only these are granted: {table}")
    for sid, action in table:
        check_named_when_missing(stack, sid, action)
