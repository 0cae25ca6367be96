<?php declare(strict_types=1);

namespace App\Database;

use PDO;

/** The database that the environment names, in the variables of Craft CMS. */
final class Connection
{
    public static function fromEnvironment(): PDO
    {
        $driver = getenv('CRAFT_DB_DRIVER') ?: 'mysql';
        $dsn = sprintf(
            '%s:host=%s;port=%s;dbname=%s',
            $driver,
            getenv('CRAFT_DB_SERVER'),
            getenv('CRAFT_DB_PORT'),
            getenv('CRAFT_DB_DATABASE'),
        );
        return new PDO($dsn, getenv('CRAFT_DB_USER'), getenv('CRAFT_DB_PASSWORD'), [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        ]);
    }
}
