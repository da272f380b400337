<?php
allow_methods('GET');
$types = array('exam.css' => 'text/css; charset=utf-8', 'exam.js' => 'text/javascript; charset=utf-8', 'logo.svg' => 'image/svg+xml');
if (!isset($types[$params[1]])) {
    throw new HttpError(404, 'Page not found', 'There is no page at this address.');
}
$file = CONTENT . '/static/' . $params[1];
$etag = '"' . substr((string) hash_file('sha256', $file), 0, 20) . '"';
$modified = (int) filemtime($file);
header('ETag: ' . $etag);
header('Last-Modified: ' . gmdate('D, d M Y H:i:s', $modified) . ' GMT');
header('Cache-Control: max-age=600');
$known = $_SERVER['HTTP_IF_NONE_MATCH'] ?? null;
$since = DateTimeImmutable::createFromFormat('D, d M Y H:i:s \G\M\T', $_SERVER['HTTP_IF_MODIFIED_SINCE'] ?? '', new DateTimeZone('UTC'));
if ($known !== null ? $known === '*' || str_contains($known, $etag) : $since !== false && $modified <= $since->getTimestamp()) {
    http_response_code(304);
    return;
}
header('Content-Type: ' . $types[$params[1]]);
header('Content-Length: ' . filesize($file));
readfile($file);
