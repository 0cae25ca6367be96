query() {
  curl -s -u "$DAGGER_SESSION_TOKEN:" -H 'Content-Type: application/json' \
    -d "{\"query\": \"$1\"}" "http://127.0.0.1:$DAGGER_SESSION_PORT/query"
}
query '{directory{withNewFile(path:\"f\",contents:\"nested\"){file(path:\"f\"){contents}}}}'
query '{host{directory(path:\"/\"){entries}}}' | grep -o 'Host.directory'
