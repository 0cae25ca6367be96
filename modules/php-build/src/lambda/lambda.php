<?php

// Lambda's side of an image: starts its entrypoint, speaks the Runtime API with
// it, one event at a time, and ends what takes too long. `php -n lambda.php
// <plan.json> <result.json>`; what the image writes goes to standard error.
//
// API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
// Events: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html

require __DIR__ . '/gateway.php';

const API = '/2018-06-01/runtime';
const MAX_BODY = 6 * 1024 * 1024 + 100;
const MAX_LOG = 64 * 1024;

/** A connection whose request is being read. */
final class Connection
{
    public string $input = '';
    public ?string $method = null;
    public string $target = '';
    /** @var array<string, string> */
    public array $headers = [];
    public string $body = '';

    /** @param resource $stream */
    public function __construct(public $stream, public bool $isApi)
    {
    }

    /** Takes what came in; true once the request is whole. */
    public function receive(string $bytes): bool
    {
        $this->input .= $bytes;
        if ($this->method === null) {
            $end = strpos($this->input, "\r\n\r\n");
            if ($end === false) {
                return false;
            }
            $lines = explode("\r\n", substr($this->input, 0, $end));
            $this->input = substr($this->input, $end + 4);
            [$this->method, $this->target] = explode(' ', array_shift($lines)) + [1 => '/'];
            foreach ($lines as $line) {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $this->headers[strtolower($name)] = trim($value);
            }
            if (strtolower($this->headers['expect'] ?? '') === '100-continue') {
                fwrite($this->stream, "HTTP/1.1 100 Continue\r\n\r\n");
            }
        }
        if (strtolower($this->headers['transfer-encoding'] ?? '') === 'chunked') {
            return $this->receiveChunks();
        }
        $this->body = $this->input;
        return strlen($this->input) >= (int) ($this->headers['content-length'] ?? 0);
    }

    private function receiveChunks(): bool
    {
        while (($end = strpos($this->input, "\r\n")) !== false) {
            $length = hexdec(substr($this->input, 0, $end));
            if (strlen($this->input) < $end + 2 + $length + 2) {
                return false;
            }
            $this->body .= substr($this->input, $end + 2, $length);
            $this->input = substr($this->input, $end + 2 + $length + 2);
            if ($length === 0) {
                return true;
            }
        }
        return false;
    }

    /** @param array<string, string|list<string>> $headers */
    public function answer(int $status, array $headers, string $body): void
    {
        $head = "HTTP/1.1 $status " . ($status < 400 ? 'OK' : 'Error') . "\r\n";
        $headers += ['content-length' => (string) strlen($body)];
        foreach ($headers + ['connection' => 'close'] as $name => $values) {
            foreach ((array) $values as $value) {
                $head .= "$name: $value\r\n";
            }
        }
        stream_set_blocking($this->stream, true);
        @fwrite($this->stream, $head . "\r\n" . ($this->method === 'HEAD' ? '' : $body));
        @fclose($this->stream);
    }

    public function error(int $status, string $type, string $message): void
    {
        $body = json_encode(['errorMessage' => $message, 'errorType' => $type]);
        $this->answer($status, ['content-type' => 'application/json'], $body);
    }
}

/** One instance of the function. */
final class Instance
{
    public string $log = '';
    /** What did not keep to the API. @var list<string> */
    public array $violations = [];
    /** @var resource|null */
    private $process = null;
    private array $pipes = [];
    /** @var resource */
    private $api;
    /** @var resource|null */
    private $http = null;
    /** @var array<int, Connection> */
    private array $connections = [];
    private ?Connection $next = null;
    private ?string $request = null;
    private ?array $outcome = null;
    private ?array $initError = null;
    private bool $ready = false;
    /** Whether the function has the event. */
    private bool $handed = false;
    /** @var list<Connection> */
    private array $waiting = [];

    /** @param list<string> $command */
    public function __construct(private array $command, private int $memory)
    {
        $this->api = $this->listen('127.0.0.1:9001');
    }

    public function listenForHttp(int $port): void
    {
        $this->http = $this->listen("0.0.0.0:$port");
    }

    /** @return resource */
    private function listen(string $address)
    {
        $socket = stream_socket_server("tcp://$address", $code, $message);
        if ($socket === false) {
            throw new RuntimeException("cannot listen on $address: $message");
        }
        stream_set_blocking($socket, false);
        return $socket;
    }

    private function start(): void
    {
        $this->ready = false;
        $this->initError = null;
        $environment = [
            'AWS_LAMBDA_RUNTIME_API' => '127.0.0.1:9001',
            'AWS_LAMBDA_FUNCTION_NAME' => 'function',
            'AWS_LAMBDA_FUNCTION_VERSION' => '$LATEST',
            'AWS_LAMBDA_FUNCTION_MEMORY_SIZE' => (string) $this->memory,
            'AWS_LAMBDA_INITIALIZATION_TYPE' => 'on-demand',
            'AWS_REGION' => getenv('AWS_REGION') ?: 'us-east-1',
            'LAMBDA_TASK_ROOT' => '/var/task',
            'LAMBDA_RUNTIME_DIR' => '/var/runtime',
            'TZ' => ':UTC',
            // Nobody is to be told of a test.
            'BREF_PING_DISABLE' => '1',
        ] + getenv();
        $pipes = [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']];
        $this->process = proc_open($this->command, $pipes, $this->pipes, '/var/task', $environment);
        foreach ($this->pipes as $pipe) {
            stream_set_blocking($pipe, false);
        }
    }

    /** Ends the instance with all that it started, as Lambda does. */
    public function stop(): void
    {
        if ($this->process === null) {
            return;
        }
        $pid = proc_get_status($this->process)['pid'];
        $pids = implode(' ', array_reverse(descendants($pid)));
        exec("kill -9 $pid $pids 2>/dev/null");
        $this->drain();
        foreach ($this->pipes as $pipe) {
            @fclose($pipe);
        }
        proc_close($this->process);
        $this->process = null;
        $this->next = null;
        $this->pipes = [];
    }

    /** Gives the function an event, and waits for what it says. */
    public function invoke(mixed $event, float $timeout): array
    {
        $started = microtime(true);
        if ($this->process === null) {
            $this->start();
        }
        $this->request = uuid();
        $this->outcome = null;
        $this->handed = false;
        $request = $this->request;
        $deadline = null;
        // Lambda gives an instance ten seconds to be ready.
        $initDeadline = $started + 10;
        while ($this->outcome === null) {
            $now = microtime(true);
            if ($deadline === null && $this->next !== null) {
                $deadline = $now + $timeout;
                $this->hand($event, $deadline);
            }
            if ($deadline !== null && $now >= $deadline) {
                $this->outcome = failure('Sandbox.Timedout', sprintf('RequestId: %s Error: Task timed out after %.2f seconds', $request, $timeout));
                $this->stop();
                break;
            }
            if ($deadline === null && $now >= $initDeadline) {
                $this->outcome = $this->initError ?? failure('Sandbox.Timedout', 'the function did not ask for an event within 10 seconds');
                $this->stop();
                break;
            }
            $this->turn(min(($deadline ?? $initDeadline) - $now, 0.5));
            $this->watch($request);
        }
        $this->request = null;
        // What it writes after its answer belongs to this event.
        $this->turn(0.01);
        return $this->outcome + ['requestId' => $request, 'seconds' => round(microtime(true) - $started, 3)];
    }

    /** An instance that ends fails the event that it has. */
    private function watch(string $request): void
    {
        if ($this->process === null || $this->outcome !== null) {
            return;
        }
        $status = proc_get_status($this->process);
        if ($status['running']) {
            return;
        }
        $this->stop();
        $this->outcome = $this->initError ?? failure(
            'Runtime.ExitError',
            "RequestId: $request Error: Runtime exited with " . ($status['signaled'] ? "signal {$status['termsig']}" : "error: exit status {$status['exitcode']}"),
        );
    }

    private function hand(mixed $event, float $deadline): void
    {
        $this->ready = $this->handed = true;
        $this->next->answer(200, [
            'content-type' => 'application/json',
            'lambda-runtime-aws-request-id' => $this->request,
            'lambda-runtime-deadline-ms' => (string) (int) ($deadline * 1000),
            'lambda-runtime-invoked-function-arn' => 'arn:aws:lambda:us-east-1:000000000000:function:function',
            'lambda-runtime-trace-id' => 'Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0',
        ], json_encode($event, JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION));
        $this->next = null;
    }

    /** Waits for something to happen, and handles it. */
    public function turn(float $seconds): void
    {
        $read = array_filter([$this->api, $this->http, ...$this->pipes]);
        foreach ($this->connections as $connection) {
            $read[] = $connection->stream;
        }
        $write = $except = null;
        $seconds = max(0.0, $seconds);
        if (! @stream_select($read, $write, $except, (int) $seconds, (int) (fmod($seconds, 1) * 1e6))) {
            return;
        }
        foreach ($read as $stream) {
            match (true) {
                $stream === $this->api => $this->accept($stream, true),
                $stream === $this->http => $this->accept($stream, false),
                isset($this->connections[(int) $stream]) => $this->receive($this->connections[(int) $stream]),
                default => $this->drain(),
            };
        }
    }

    private function accept($socket, bool $isApi): void
    {
        while ($stream = @stream_socket_accept($socket, 0)) {
            stream_set_blocking($stream, false);
            $this->connections[(int) $stream] = new Connection($stream, $isApi);
        }
    }

    private function receive(Connection $connection): void
    {
        $bytes = @fread($connection->stream, 65536);
        if ($bytes === false || ($bytes === '' && feof($connection->stream))) {
            unset($this->connections[(int) $connection->stream]);
            fclose($connection->stream);
            return;
        }
        if ($connection->receive($bytes)) {
            unset($this->connections[(int) $connection->stream]);
            $connection->isApi ? $this->api($connection) : $this->waiting[] = $connection;
        }
    }

    /** A request of a browser that nobody has answered yet. */
    public function takeRequest(): ?Connection
    {
        return array_shift($this->waiting);
    }

    private function drain(): void
    {
        foreach ($this->pipes as $index => $pipe) {
            $text = @stream_get_contents($pipe);
            if ($text !== false && $text !== '') {
                fwrite(STDERR, $text);
                $this->log = substr($this->log . $text, -MAX_LOG);
            }
            if (feof($pipe)) {
                unset($this->pipes[$index]);
            }
        }
    }

    /** The API's answers, and its strictness. */
    private function api(Connection $connection): void
    {
        $call = "$connection->method $connection->target";
        if ($call === 'GET ' . API . '/invocation/next') {
            if ($this->next !== null) {
                $this->refuse($connection, 403, 'InvalidStateTransition', 'another process waits for the next event already');
            } elseif ($this->handed && $this->outcome === null) {
                $this->refuse($connection, 403, 'InvalidStateTransition', "the event $this->request has no answer yet");
            } else {
                $this->next = $connection;
            }
            return;
        }
        $known = preg_match('#^' . API . '/(?:init/error|invocation/([^/]+)/(response|error))$#', $connection->target, $found);
        if (! $known) {
            $this->refuse($connection, 404, 'NotFound', "the Runtime API has no `$connection->target`");
        } elseif ($connection->method !== 'POST') {
            $this->refuse($connection, 405, 'MethodNotAllowed', "`$connection->target` takes POST, not $connection->method");
        } elseif (! isset($found[1])) {
            $this->initError($connection);
        } else {
            $this->answered($connection, $found[1], $found[2]);
        }
    }

    private function initError(Connection $connection): void
    {
        if ($this->ready) {
            $this->refuse($connection, 403, 'InvalidStateTransition', 'the function has started, its events may fail, not its start');
            return;
        }
        $error = json_decode($connection->body, true);
        $this->initError = failure($error['errorType'] ?? 'Runtime.Unknown', $error['errorMessage'] ?? $connection->body, $error['stackTrace'] ?? []);
        $this->accepted($connection);
    }

    private function answered(Connection $connection, string $request, string $kind): void
    {
        if ($request !== $this->request || ! $this->handed) {
            $this->refuse($connection, 400, 'InvalidRequestID', "no event $request is under way");
            return;
        }
        if ($this->outcome !== null) {
            $this->refuse($connection, 400, 'InvalidStateTransition', "the event $request has an answer already");
            return;
        }
        if (strlen($connection->body) > MAX_BODY) {
            $this->outcome = failure('Function.ResponseSizeTooLarge', 'Response payload size exceeded maximum allowed payload size (6291556 bytes).');
            $this->refuse($connection, 413, 'RequestEntityTooLarge', 'the response is larger than 6 MB');
            return;
        }
        $value = json_decode($connection->body, true);
        if (json_last_error() !== JSON_ERROR_NONE) {
            $this->outcome = failure('Runtime.InvalidJson', 'the response is not JSON: ' . json_last_error_msg());
            $this->refuse($connection, 400, 'InvalidJson', 'the response is not JSON');
            return;
        }
        $this->outcome = $kind === 'response'
            ? ['ok' => true, 'response' => $value, 'body' => $connection->body]
            : failure($value['errorType'] ?? 'Unhandled', $value['errorMessage'] ?? '', $value['stackTrace'] ?? []);
        $this->accepted($connection);
    }

    private function accepted(Connection $connection): void
    {
        $connection->answer(202, ['content-type' => 'application/json'], '{"status":"OK"}');
    }

    private function refuse(Connection $connection, int $status, string $type, string $message): void
    {
        $this->violations[] = "$connection->method $connection->target: $message";
        $connection->error($status, $type, $message);
    }
}

/** @param list<string> $trace */
function failure(string $type, string $message, array $trace = []): array
{
    return ['ok' => false, 'errorType' => $type, 'errorMessage' => $message, 'stackTrace' => $trace];
}

/** @return list<int> */
function descendants(int $of): array
{
    $children = [];
    foreach (glob('/proc/[0-9]*/stat') as $file) {
        $stat = @file_get_contents($file);
        if ($stat && preg_match('/^(\d+) \(.*\) \S (\d+)/s', $stat, $found)) {
            $children[(int) $found[2]][] = (int) $found[1];
        }
    }
    $all = [];
    for ($open = [$of]; $open;) {
        $next = $children[array_pop($open)] ?? [];
        array_push($all, ...$next);
        array_push($open, ...$next);
    }
    return $all;
}

function uuid(): string
{
    return vsprintf('%s%s-%s-4%.3s-a%.3s-%s%s%s', str_split(bin2hex(random_bytes(18)), 4));
}

/** A request as an event of a function's URL, format 2.0. */
function event(string $method, string $target, array $headers, string $body): array
{
    [$path, $query] = explode('?', $target, 2) + [1 => ''];
    parse_str($query, $parameters);
    $cookies = array_filter(explode('; ', $headers['cookie'] ?? ''));
    unset($headers['cookie']);
    $text = $body === '' || isText($body);
    return [
        'version' => '2.0',
        'routeKey' => '$default',
        'rawPath' => $path,
        'rawQueryString' => $query,
        'cookies' => array_values($cookies),
        'headers' => $headers + ['host' => 'localhost', 'x-forwarded-proto' => 'https', 'x-forwarded-port' => '443'],
        'queryStringParameters' => array_map(fn ($value) => is_array($value) ? implode(',', array_map('strval', array_filter($value, 'is_scalar'))) : $value, $parameters) ?: null,
        'requestContext' => [
            'accountId' => 'anonymous',
            'apiId' => 'local',
            'domainName' => 'localhost',
            'http' => ['method' => $method, 'path' => $path, 'protocol' => 'HTTP/1.1', 'sourceIp' => '127.0.0.1', 'userAgent' => $headers['user-agent'] ?? 'php-build'],
            'requestId' => uuid(),
            'routeKey' => '$default',
            'stage' => '$default',
            'time' => gmdate('d/M/Y:H:i:s O'),
            'timeEpoch' => (int) (microtime(true) * 1000),
        ],
        'body' => $text ? $body : base64_encode($body),
        'isBase64Encoded' => ! $text,
    ];
}

function isText(string $body): bool
{
    return preg_match('//u', $body) === 1;
}

/** Status, headers and body of what a function answered to an HTTP event. */
function response(array $outcome): array
{
    if (! $outcome['ok']) {
        return [502, ['content-type' => 'text/plain; charset=utf-8'], "$outcome[errorType]: $outcome[errorMessage]\n"];
    }
    $answer = $outcome['response'];
    if (! is_array($answer) || ! isset($answer['statusCode'])) {
        return [200, ['content-type' => 'application/json'], json_encode($answer)];
    }
    $headers = array_change_key_case($answer['headers'] ?? []);
    foreach ($answer['multiValueHeaders'] ?? [] as $name => $values) {
        $headers[strtolower($name)] = $values;
    }
    if ($answer['cookies'] ?? []) {
        $headers['set-cookie'] = $answer['cookies'];
    }
    unset($headers['content-length'], $headers['connection'], $headers['transfer-encoding']);
    $body = $answer['body'] ?? '';
    return [$answer['statusCode'], $headers, ($answer['isBase64Encoded'] ?? false) ? base64_decode($body) : $body];
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

/** Where files could be written although Lambda does not let them be. */
function writable(): array
{
    $open = ['/tmp', '/php-build-results', '/proc', '/sys', '/dev'];
    $places = ['/', ...array_diff(glob('/*', GLOB_ONLYDIR), $open), ...glob('/etc/{,*/}*', GLOB_ONLYDIR | GLOB_BRACE)];
    return array_values(array_filter($places, fn (string $place): bool => is_writable($place)));
}

/** Runs a set-up command as a deployment does. */
function setUp(string $line): array
{
    $process = proc_open(['sh', '-c', $line], [['file', '/dev/null', 'r'], ['pipe', 'w'], ['redirect', 1]], $pipes, '/var/task');
    $output = '';
    while (! feof($pipes[1])) {
        $part = fread($pipes[1], 8192);
        fwrite(STDERR, $part);
        $output = substr($output . $part, -MAX_LOG);
    }
    return ['command' => $line, 'code' => proc_close($process), 'output' => $output];
}

$plan = json_decode(file_get_contents($argv[1]), true, 512, JSON_THROW_ON_ERROR);
$result = ['writable' => writable(), 'setUp' => [], 'requests' => [], 'invocations' => []];
$finish = function (?Instance $instance) use (&$result, $argv): never {
    $instance?->stop();
    $result += ['log' => $instance?->log ?? '', 'violations' => $instance?->violations ?? []];
    file_put_contents($argv[2], json_encode($result, JSON_INVALID_UTF8_SUBSTITUTE));
    exit(0);
};

foreach ($plan['setUp'] as $line) {
    $done = setUp($line);
    $result['setUp'][] = $done;
    if ($done['code'] !== 0) {
        if ($plan['port'] > 0) {
            fwrite(STDERR, "set-up command `$line` failed ($done[code])\n");
            exit(1);
        }
        $finish(null);
    }
}

$instance = new Instance($plan['command'], $plan['memory']);
foreach ($plan['requests'] as $path) {
    $before = strlen($instance->log);
    $outcome = $instance->invoke(event('GET', $path, ['accept' => '*/*', 'user-agent' => 'php-build'], ''), $plan['timeout']);
    [$status, $headers, $body] = response($outcome);
    $result['requests'][] = [
        'path' => $path,
        'status' => $status,
        'type' => is_array($headers['content-type'] ?? '') ? '' : $headers['content-type'] ?? '',
        'location' => is_array($headers['location'] ?? '') ? '' : $headers['location'] ?? '',
        'bytes' => strlen($body),
        'start' => substr($body, 0, 2000),
        'found' => $plan['contains'] === '' || str_contains($body, $plan['contains']),
        'seconds' => $outcome['seconds'],
    ];
}
foreach ($plan['events'] as $event) {
    $outcome = $instance->invoke($event, $plan['timeout']);
    $result['invocations'][] = array_diff_key($outcome, ['response' => 0]);
}
if ($plan['port'] === 0) {
    $finish($instance);
}

$instance->listenForHttp($plan['port']);
fwrite(STDERR, "serving on port $plan[port]\n");
while (true) {
    $instance->turn(60);
    while ($connection = $instance->takeRequest()) {
        $connection->answer(...site($connection, $plan, $instance));
    }
}
