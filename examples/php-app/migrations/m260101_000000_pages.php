<?php declare(strict_types=1);

return function (PDO $database): void {
    $key = match ($database->getAttribute(PDO::ATTR_DRIVER_NAME)) {
        'pgsql' => 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
        default => 'BIGINT AUTO_INCREMENT PRIMARY KEY',
    };
    $database->exec("CREATE TABLE pages (number $key, slug VARCHAR(100) NOT NULL UNIQUE, title VARCHAR(200) NOT NULL, views INT NOT NULL DEFAULT 0)");
};
