<?php

// What stands before a site on Craft Cloud: static files, and the redirects and
// the rewrites of craft-cloud.yaml, whose patterns are those of URLPattern.
//
// Rules: https://craftcms.com/docs/cloud/redirects
// Patterns: https://urlpattern.spec.whatwg.org

/** What a browser is answered: what the rules before Lambda say, a static file, or a page. */
function site(Connection $connection, array $plan, Instance $instance): array
{
    [$method, $target, $headers] = [$connection->method, $connection->target, $connection->headers];
    $find = fn (string $kind): ?array => rule($plan['rules'][$kind] ?? [], $method, $target, $headers, $plan['artifacts']);
    if ([$redirect, $address] = $find('redirects')) {
        return [$redirect['status'], ['location' => $address], ''];
    }
    [$rewrite, $address] = $find('rewrites') ?? [['headers' => []], $target];
    $answer = str_starts_with($address, '/')
        ? staticFile("/var/task/$plan[documentRoot]", $address)
            ?? response($instance->invoke(event($method, $address, $headers, $connection->body), $plan['timeout']))
        : elsewhere($method, $address, $connection->body);
    foreach ($rewrite['headers'] as $header) {
        [$name, $value] = explode(': ', $header, 2);
        $answer[1][strtolower($name)] = $value;
    }
    return $answer;
}

/** What another server answers. */
function elsewhere(string $method, string $address, string $body): array
{
    $options = ['method' => $method, 'content' => $body, 'follow_location' => 0, 'ignore_errors' => true, 'timeout' => 28];
    $stream = @fopen($address, 'r', context: stream_context_create(['http' => $options]));
    if ($stream === false) {
        return [502, ['content-type' => 'text/plain; charset=utf-8'], "cannot reach $address\n"];
    }
    $headers = [];
    $lines = stream_get_meta_data($stream)['wrapper_data'];
    foreach (array_slice($lines, 1) as $line) {
        [$name, $value] = explode(':', $line, 2) + [1 => ''];
        $headers[strtolower($name)] = trim($value);
    }
    unset($headers['content-length'], $headers['connection'], $headers['transfer-encoding']);
    return [(int) explode(' ', $lines[0])[1], $headers, stream_get_contents($stream)];
}

/** A static file, which the object storage answers in production. */
function staticFile(string $root, string $target): ?array
{
    $path = rawurldecode(explode('?', $target)[0]);
    $file = realpath("$root/$path");
    if ($file === false || ! str_starts_with($file, realpath($root) . '/') || ! is_file($file) || str_ends_with($file, '.php') || str_contains($file, '/.')) {
        return null;
    }
    $types = ['css' => 'text/css', 'js' => 'text/javascript', 'mjs' => 'text/javascript', 'json' => 'application/json', 'map' => 'application/json', 'svg' => 'image/svg+xml', 'png' => 'image/png', 'jpg' => 'image/jpeg', 'jpeg' => 'image/jpeg', 'gif' => 'image/gif', 'webp' => 'image/webp', 'avif' => 'image/avif', 'ico' => 'image/x-icon', 'woff' => 'font/woff', 'woff2' => 'font/woff2', 'html' => 'text/html', 'txt' => 'text/plain', 'xml' => 'application/xml', 'pdf' => 'application/pdf', 'wasm' => 'application/wasm'];
    return [200, ['content-type' => $types[pathinfo($file, PATHINFO_EXTENSION)] ?? 'application/octet-stream'], file_get_contents($file)];
}

/** The pattern of a URL's part as a regular expression. What has no name is called `_0`, `_1`. */
function expression(string $pattern, string $part, int &$unnamed = 0): string
{
    $segment = ['pathname' => '[^/]+?', 'hostname' => '[^.]+?'][$part] ?? '.+?';
    $own = '\(((?:[^()\\\\]|\\\\.|\((?:[^()\\\\]|\\\\.)*\))+)\)';
    // An escaped character; a group with what is before it, such as `/:slug+`; `{…}?`; or text.
    $tokens = '~\\\\(?<escaped>.)|(?<before>/?)(?:(?::(?<name>[a-z_]\w*))?(?:' . $own . ')|:(?<only>[a-z_]\w*)|(?<any>\*))(?<times>[?*+]?)|\{(?<inner>[^{}]*)\}(?<repeated>[?*+]?)|(?<text>.)~isu';
    return preg_replace_callback($tokens, function (array $found) use ($segment, $part, &$unnamed): string {
        if ($found['inner'] !== null) {
            return '(?:' . expression($found['inner'], $part, $unnamed) . ")$found[repeated]";
        }
        if ($found['escaped'] !== null || $found['text'] !== null) {
            return preg_quote($found['escaped'] ?? $found['text'], '~');
        }
        $name = $found['name'] ?? $found['only'] ?? '_' . $unnamed++;
        $one = $found[4] ?? ($found['any'] === null ? $segment : '.*');
        return match ($found['times']) {
            '' => "$found[before](?<$name>$one)",
            '?' => "(?:$found[before](?<$name>$one))?",
            '+' => "$found[before](?<$name>(?:$one)(?:$found[before](?:$one))*)",
            '*' => "(?:$found[before](?<$name>(?:$one)(?:$found[before](?:$one))*))?",
        };
    }, $pattern, flags: PREG_UNMATCHED_AS_NULL);
}

/** The parts of a pattern. A `?` after a group makes it optional, another one begins the query. */
function parts(string|array $pattern): array
{
    if (is_array($pattern)) {
        return $pattern;
    }
    $url = '~^(?:(?<protocol>[^/:]+)://(?<hostname>(?:[^/:?#]|:[a-z_]\w*)*)(?::(?<port>\d+))?)?(?<pathname>(?:[^?#:]|(?<=[*)}])\?|:\w+\??|:)*)(?:\?(?<search>[^#]*))?~i';
    preg_match($url, $pattern, $found);
    return array_filter($found, fn ($value, $key) => is_string($key) && $value !== '', ARRAY_FILTER_USE_BOTH);
}

/** Parts and groups of the URL, as `URLPattern.exec()` gives them; null when it is another one. */
function matches(string|array $pattern, array $url): ?array
{
    $matches = [];
    foreach ($url as $part => $input) {
        $matches[$part] = ['input' => $input, 'groups' => []];
    }
    foreach (array_intersect_key(parts($pattern), $url) as $part => $wanted) {
        if (! preg_match('~^' . expression($wanted, $part) . '$~u', $url[$part], $groups)) {
            return null;
        }
        foreach (array_filter($groups, 'is_string', ARRAY_FILTER_USE_KEY) as $name => $value) {
            $matches[$part]['groups'][ltrim($name, '_')] = $value;
        }
    }
    return $matches;
}

/** The first rule that the request meets, and the address that it leads to. */
function rule(array $rules, string $method, string $target, array $headers, string $artifacts): ?array
{
    [$path, $query] = explode('?', $target, 2) + [1 => ''];
    [$host, $port] = explode(':', $headers['host'] ?? 'localhost', 2) + [1 => ''];
    $url = ['protocol' => $headers['x-forwarded-proto'] ?? 'http', 'hostname' => $host, 'port' => $port, 'pathname' => $path, 'search' => $query];
    $cdn = rtrim(getenv('CRAFT_CLOUD_CDN_BASE_URL') ?: '', '/') . '/';
    $values = [
        'request' => ['url' => ['search' => $query === '' ? '' : "?$query"] + $url, 'uri' => $target, 'method' => $method, 'headers' => $headers],
        'cdnBaseUrl' => $cdn,
        'assetBaseUrl' => "{$cdn}assets/",
        'artifactBaseUrl' => getenv('CRAFT_CLOUD_ARTIFACT_BASE_URL') ?: $artifacts,
    ];
    foreach ($rules as $rule) {
        $values['matches'] = matches($rule['pattern'], $url);
        if ($values['matches'] !== null) {
            $address = preg_replace_callback('~\{([^{}]+)\}~', function (array $found) use ($values): string {
                foreach (explode('.', $found[1]) as $key) {
                    $values = $values[$key] ?? $values[strtolower($key)] ?? '';
                }
                return is_string($values) ? $values : '';
            }, $rule['destination']);
            return [$rule, preg_replace('~(?<!:)/{2,}~', '/', $address)];
        }
    }
    return null;
}
