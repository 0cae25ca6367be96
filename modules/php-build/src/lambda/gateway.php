<?php

// What stands before a site on Craft Cloud: the redirects and the rewrites of
// craft-cloud.yaml, whose patterns are those of URLPattern.
//
// Rules: https://craftcms.com/docs/cloud/redirects
// Patterns: https://urlpattern.spec.whatwg.org

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
