<?php declare(strict_types=1);

namespace App\Database;

use PDO;

/** Applies the files of `migrations`, each once and in order. */
final class Migrations
{
    public function __construct(private PDO $database)
    {
    }

    /** @return list<string> names of those that were not applied before */
    public function apply(): array
    {
        $this->database->exec('CREATE TABLE IF NOT EXISTS migrations (name VARCHAR(190) PRIMARY KEY)');
        $known = $this->database->query('SELECT name FROM migrations')->fetchAll(PDO::FETCH_COLUMN);
        $applied = [];
        foreach (glob(dirname(__DIR__, 2) . '/migrations/*.php') as $file) {
            $name = basename($file, '.php');
            if (in_array($name, $known, true)) {
                continue;
            }
            (require $file)($this->database);
            $this->database->prepare('INSERT INTO migrations (name) VALUES (?)')->execute([$name]);
            $applied[] = $name;
        }
        return $applied;
    }
}
