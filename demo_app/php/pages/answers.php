<?php
allow_methods('GET');
$attempt = require_attempt($params[1]);
header('Content-Type: application/json');
header('Cache-Control: no-store, no-cache, must-revalidate');
header('X-Content-Type-Options: nosniff');
echo json_encode(array(
    'attempt' => $attempt['id'],
    'candidate' => $attempt['candidate'],
    'name' => $attempt['name'],
    'finished' => $attempt['finished_at'] !== null,
    'answers' => (object) $attempt['answers'],
    'upload' => $attempt['upload'],
), JSON_THROW_ON_ERROR);
