"""The template as CloudFormation would see it: transformed by SAM, then every intrinsic function worked out."""

import copy
import functools
import json
import logging
import os
import re

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

PSEUDO = {
    "AWS::StackName": "transcripts",
    "AWS::AccountId": "123456789012",
    "AWS::Region": "eu-central-1",
    "AWS::Partition": "aws",
}
# What Ref gives for these is their ARN, not their name.
REF_IS_ARN = {"AWS::SNS::Topic", "AWS::IAM::ManagedPolicy", "AWS::StepFunctions::StateMachine"}
NOTHING = object()

# It would like its own usage to be reported.
logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)


@functools.cache
def source_of(path):
    with open(path, encoding="utf-8") as file:
        source = yaml_parse(file.read())
    # SAM wants the code to be uploaded already, as it is for a published template.
    if source["Globals"]["Function"]["CodeUri"] == ".":
        source["Globals"]["Function"]["CodeUri"] = "s3://artifacts/code.zip"
    return source


class Stack:
    """The resources that exist with the given parameters, in plain values."""

    def __init__(self, path, given):
        source = source_of(path)
        os.environ.setdefault("AWS_DEFAULT_REGION", PSEUDO["AWS::Region"])
        unknown = given.keys() - source["Parameters"].keys()
        if unknown:
            raise KeyError(f"no such parameters: {sorted(unknown)}")
        self.specifications = source["Parameters"]
        self.groups = copy.deepcopy(source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"])
        self.parameters = {name: given.get(name, spec.get("Default")) for name, spec in self.specifications.items()}
        self._template = Translator({}, Parser()).translate(copy.deepcopy(source), dict(self.parameters))
        self.conditions = {name: self._condition(name) for name in source["Conditions"]}
        self.resources = {}
        for name, resource in self._template["Resources"].items():
            if self._exists(name):
                self.resources[name] = self._resolve(resource)
        self.outputs = {
            name: self._resolve(output["Value"])
            for name, output in self._template["Outputs"].items()
            if "Condition" not in output or self._condition(output["Condition"])
        }

    def of_type(self, kind):
        """Name and properties of the resources of a type."""
        return [
            (name, resource.get("Properties", {})) for name, resource in self.resources.items() if resource["Type"] == kind
        ]

    def arn(self, name):
        """What stands for the ARN of a resource."""
        resource = self._template["Resources"][name]
        if resource["Type"] == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{self._ref(name)}"
        return f"arn:aws:{name}"

    def _exists(self, name):
        condition = self._template["Resources"][name].get("Condition")
        return condition is None or self._condition(condition)

    def _ref(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        resource = self._resource(name)
        if resource["Type"] == "AWS::S3::Bucket":
            return self._resolve(resource["Properties"]["BucketName"])
        return self.arn(name) if resource["Type"] in REF_IS_ARN else name

    def _attribute(self, name, attribute):
        self._resource(name)
        return self.arn(name) if attribute == "Arn" else f"{name}.{attribute}"

    def _resource(self, name):
        if name not in self._template["Resources"] or not self._exists(name):
            raise LookupError(f"{name} is referred to, but does not exist with these parameters")
        return self._template["Resources"][name]

    def _condition(self, name):
        return self._test({"Condition": name})

    def _test(self, expression):
        ((function, argument),) = expression.items()
        match function:
            case "Condition":
                return self._test(self._template["Conditions"][argument])
            case "Fn::Equals":
                left, right = (self._resolve(side) for side in argument)
                return str(left) == str(right)
            case "Fn::Not":
                return not self._test(argument[0])
            case "Fn::And":
                return all(self._test(part) for part in argument)
            case "Fn::Or":
                return any(self._test(part) for part in argument)
        raise NotImplementedError(function)

    def _resolve(self, value):
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            match function:
                case "Ref":
                    return self._ref(argument)
                case "Fn::If":
                    name, yes, no = argument
                    return self._resolve(yes if self._condition(name) else no)
                case "Fn::GetAtt":
                    name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                    return self._attribute(name, attribute)
                case "Fn::Sub":
                    return self._substitute(argument)
                case "Fn::Select":
                    index, items = argument
                    return self._resolve(items)[int(index)]
                case "Fn::Split":
                    separator, text = argument
                    return self._resolve(text).split(separator)
            if function.startswith("Fn::"):
                raise NotImplementedError(function)
        pairs = ((key, self._resolve(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not NOTHING}

    def _substitute(self, argument):
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def replacement(match):
            name = match.group(1)
            if name in variables:
                return str(self._resolve(variables[name]))
            return str(self._attribute(*name.split(".", 1)) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^!}]+)\}", replacement, text)


def dashboards(stack):
    """Name and body of every dashboard. Raises ValueError where one is no JSON."""
    for name, properties in stack.of_type("AWS::CloudWatch::Dashboard"):
        yield name, json.loads(properties["DashboardBody"])
