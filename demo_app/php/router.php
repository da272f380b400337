<?php
// For PHP's own web server: php -S 127.0.0.1:8080 -t demo_app/php demo_app/php/router.php
// Returning false would hand out the source files' folder; every address goes to index.php, as .htaccess does under Apache.
require __DIR__ . '/index.php';
