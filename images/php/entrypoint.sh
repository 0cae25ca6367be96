#!/bin/sh
# As in Lambda's base images: the handler is the first argument.
if [ $# -ne 1 ]; then
  echo "entrypoint requires the handler name to be the first argument" >&2
  exit 142
fi
export _HANDLER="$1"
if [ -z "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
  echo "no AWS_LAMBDA_RUNTIME_API, and no emulator in this image" >&2
  exit 1
fi
exec /var/runtime/bootstrap
