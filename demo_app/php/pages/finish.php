<?php
allow_methods('POST');
$attempt = require_attempt($params[1]);
check_csrf();
if ($attempt['finished_at'] === null) {
    change_attempt($attempt['id'], fn (array $attempt): array => array('finished_at' => time()) + $attempt);
}
redirect('/exam/' . $attempt['id'] . '/done');
