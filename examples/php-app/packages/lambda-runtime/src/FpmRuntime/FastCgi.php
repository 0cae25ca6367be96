<?php declare(strict_types=1);

namespace Bref\FpmRuntime;

use RuntimeException;

/** One FastCGI request, as the specification has it. */
final class FastCgi
{
    private const BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, STDERR = 7;

    /** @param array<string, string> $parameters */
    public static function request(string $socket, array $parameters, string $body): string
    {
        $stream = stream_socket_client("unix://$socket");
        $pairs = '';
        foreach ($parameters as $name => $value) {
            $pairs .= self::length(strlen($name)) . self::length(strlen($value)) . $name . $value;
        }
        $records = self::record(self::BEGIN, pack('nCx5', 1, 0));
        foreach ([self::PARAMS => $pairs, self::STDIN => $body] as $type => $content) {
            foreach ($content === '' ? [] : str_split($content, 65528) as $part) {
                $records .= self::record($type, $part);
            }
            $records .= self::record($type, '');
        }
        fwrite($stream, $records);
        $output = '';
        while (true) {
            $head = unpack('Cversion/Ctype/nid/nlength/Cpadding/x', self::read($stream, 8));
            $content = self::read($stream, $head['length']);
            self::read($stream, $head['padding']);
            if ($head['type'] === self::END) {
                return $output;
            }
            match ($head['type']) {
                self::STDOUT => $output .= $content,
                self::STDERR => fwrite(STDERR, "$content\n"),
                default => null,
            };
        }
    }

    private static function record(int $type, string $content): string
    {
        return pack('CCnnCx', 1, $type, 1, strlen($content), 0) . $content;
    }

    private static function length(int $length): string
    {
        return $length < 128 ? chr($length) : pack('N', $length | 0x80000000);
    }

    /** @param resource $stream */
    private static function read($stream, int $length): string
    {
        $content = '';
        while (strlen($content) < $length) {
            $part = fread($stream, $length - strlen($content));
            if ($part === false || $part === '') {
                throw new RuntimeException('PHP-FPM closed the connection');
            }
            $content .= $part;
        }
        return $content;
    }
}
