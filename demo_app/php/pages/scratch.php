<?php
allow_methods('GET');
$attempt = require_attempt($params[1]);
$base = '/exam/' . $attempt['id'];
$from = $_GET['q'] ?? '';
$number = is_string($from) && preg_match('/\A[1-9]\z/', $from) === 1 && (int) $from <= question_count() ? (int) $from : 1;
page_top('Scratch paper', 'scratch');
?>
<h1>Scratch paper</h1>
<p>Notes on this page are neither saved nor marked.</p>
<p><textarea id="notes" rows="14" cols="80"></textarea></p>
<p class="buttons"><a href="<?= $base ?>/q/<?= $number ?>">Back to question <?= $number ?></a> <button class="right" type="button" onclick="return openCalculator('<?= $base ?>/calculator')">Calculator</button></p>
<?php
page_bottom();
