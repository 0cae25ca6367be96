"""A repository of Composer packages as large as those of a site with Craft CMS."""

import http.server
import io
import json
import os
import sys
import zipfile

PACKAGES, CLASSES, METHODS = 80, 120, 24

METHOD = """
    /** Gives what number {n} gives of what it was given, and remembers it. */
    public function method{n}(int $given, ?string $name = null): int
    {{
        $this->remembered[$name ?? 'method{n}'] = $given * {n};
        return $this->remembered[$name ?? 'method{n}'];
    }}
"""


def archive(name):
    manifest = {"name": f"large/{name}", "autoload": {"psr-4": {f"Large\\{name.title()}\\": "src/"}}}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(f"{name}/composer.json", json.dumps(manifest))
        for number in range(CLASSES):
            methods = "".join(METHOD.format(n=n) for n in range(METHODS))
            files.writestr(
                f"{name}/src/Part{number % 10}/Class{number}.php",
                f"<?php declare(strict_types=1);\n\nnamespace Large\\{name.title()}\\Part{number % 10};\n\n"
                f"class Class{number}\n{{\n    private array $remembered = [];\n{methods}}}\n",
            )
    return written.getvalue()


def serve(host, port, folder):
    os.makedirs(folder)
    os.chdir(folder)
    packages = {}
    for number in range(PACKAGES):
        name = f"package{number}"
        with open(f"{name}.zip", "wb") as file:
            file.write(archive(name))
        package = {
            "name": f"large/{name}",
            "version": "1.0.0",
            "type": "library",
            "require": {"php": ">=8.1", "ext-mbstring": "*", "composer-runtime-api": "^2.0"},
            "dist": {"type": "zip", "url": f"http://{host}:{port}/{name}.zip", "reference": "one"},
            "autoload": {"psr-4": {f"Large\\{name.title()}\\": "src/"}},
        }
        packages[package["name"]] = {"1.0.0": package}
    with open("packages.json", "w") as file:
        json.dump({"packages": packages}, file)
    handler = http.server.SimpleHTTPRequestHandler
    http.server.ThreadingHTTPServer((host, int(port)), handler).serve_forever()


serve(*sys.argv[1:])
