<?php declare(strict_types=1);

namespace Bref\FpmRuntime;

use Bref\Runtime\LambdaRuntime;
use RuntimeException;
use Throwable;

/** Gives HTTP events, in API Gateway's format 2.0, to PHP-FPM. */
final class Main
{
    private const SOCKET = '/tmp/.bref/php-fpm.sock';

    public static function run(): void
    {
        $runtime = new LambdaRuntime;
        $file = getenv('LAMBDA_TASK_ROOT') . '/' . getenv('_HANDLER');
        try {
            if (! is_file($file)) {
                throw new RuntimeException("Handler `$file` doesn't exist");
            }
            $fpm = self::start();
        } catch (Throwable $error) {
            $runtime->failInitialization($error);
        }
        while (proc_get_status($fpm)['running']) {
            $runtime->processNextEvent(fn (array $event): array => self::handle($event, $file));
        }
    }

    /** @return resource */
    private static function start()
    {
        @mkdir(dirname(self::SOCKET));
        @unlink(self::SOCKET);
        $command = ['php-fpm', '--nodaemonize', '--force-stderr', '--fpm-config', '/opt/bref/etc/php-fpm.conf', '-d', 'opcache.file_cache_only=0'];
        $fpm = proc_open($command, [], $pipes);
        for ($tries = 0; ! file_exists(self::SOCKET); $tries++) {
            if ($tries > 1000 || ! proc_get_status($fpm)['running']) {
                throw new RuntimeException('PHP-FPM did not start');
            }
            usleep(5000);
        }
        return $fpm;
    }

    private static function handle(array $event, string $file): array
    {
        $body = $event['body'] ?? '';
        if ($event['isBase64Encoded'] ?? false) {
            $body = base64_decode($body);
        }
        $output = FastCgi::request(self::SOCKET, self::parameters($event, $file, $body), $body);
        [$head, $content] = explode("\r\n\r\n", $output, 2) + [1 => ''];
        $answer = ['statusCode' => 200, 'headers' => [], 'cookies' => []];
        foreach (explode("\r\n", $head) as $line) {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $name = strtolower($name);
            match ($name) {
                'status' => $answer['statusCode'] = (int) $value,
                'set-cookie' => $answer['cookies'][] = trim($value),
                default => $answer['headers'][$name] = trim($value),
            };
        }
        return $answer + ['isBase64Encoded' => true, 'body' => base64_encode($content)];
    }

    /** @return array<string, string> */
    private static function parameters(array $event, string $file, string $body): array
    {
        $path = $event['rawPath'];
        $query = $event['rawQueryString'];
        $headers = $event['headers'];
        $parameters = [
            'GATEWAY_INTERFACE' => 'FastCGI/1.0',
            'REQUEST_METHOD' => $event['requestContext']['http']['method'],
            'REQUEST_URI' => $query === '' ? $path : "$path?$query",
            'QUERY_STRING' => $query,
            'PATH_INFO' => $path,
            'SCRIPT_FILENAME' => $file,
            'SCRIPT_NAME' => '/' . basename($file),
            'DOCUMENT_ROOT' => dirname($file),
            'SERVER_PROTOCOL' => 'HTTP/1.1',
            'SERVER_NAME' => $headers['host'] ?? 'localhost',
            'REMOTE_ADDR' => $event['requestContext']['http']['sourceIp'],
            'CONTENT_TYPE' => $headers['content-type'] ?? '',
            'CONTENT_LENGTH' => (string) strlen($body),
        ];
        foreach ($headers as $name => $value) {
            $parameters['HTTP_' . strtoupper(strtr($name, '-', '_'))] = $value;
        }
        if ($event['cookies'] ?? []) {
            $parameters['HTTP_COOKIE'] = implode('; ', $event['cookies']);
        }
        return $parameters;
    }
}
