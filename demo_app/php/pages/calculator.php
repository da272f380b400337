<?php
allow_methods('GET');
$attempt = require_attempt($params[1]);
header('Content-Type: text/html; charset=utf-8');
header('Cache-Control: no-store, no-cache, must-revalidate');
?>
<!DOCTYPE html>
<html lang="en">
<head>
<title>Calculator</title>
<link rel="stylesheet" type="text/css" href="/static/exam.css" />
<script type="text/javascript" src="/static/exam.js"></script>
</head>
<body id="calculator">
<input class="text" id="display" type="text" value="0" readonly="readonly" aria-label="Result" />
<div id="keys">
<?php foreach (str_split('789/456*123-0.=+C') as $key): ?>
<button type="button" value="<?= $key ?>"><?= $key ?></button>
<?php endforeach; ?>
</div>
</body>
</html>
