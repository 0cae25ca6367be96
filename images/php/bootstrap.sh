#!/bin/sh
# Lambda's runtime: one PHP process after the other, until one fails.
set -e
while :; do
  php /opt/bref/bootstrap.php 2>&1
done
