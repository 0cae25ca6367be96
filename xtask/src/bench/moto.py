"""moto, but a function whose code is changed stays InProgress as at AWS, for as
many seconds as the file says that the first argument names."""

import sys
import time
from pathlib import Path

from moto.awslambda.models import LambdaFunction
from moto.server import main

takes = Path(sys.argv.pop(1))
update, shown = LambdaFunction.update_function_code, LambdaFunction.get_configuration


def update_function_code(self, spec):
    self.until = time.monotonic() + float(takes.read_text())
    return update(self, spec)


def get_configuration(self, on_create=False):
    configuration = shown(self, on_create)
    if time.monotonic() < getattr(self, "until", 0):
        configuration["LastUpdateStatus"] = "InProgress"
    return configuration


LambdaFunction.update_function_code = update_function_code
LambdaFunction.get_configuration = get_configuration
main()
