<?php
allow_methods('GET');
$attempt = require_attempt($params[1]);
$base = '/exam/' . $attempt['id'];
if ($attempt['finished_at'] !== null) {
    redirect($base . '/done');
    return;
}
$comment = '<!-- printAnswers() writes a window with its own <head> and <title>, see below -->';
$script = <<<'SCRIPT'
<script type="text/javascript">
// The print version gets a <head> of its own.
function printAnswers() {
  var popup = window.open('', 'print', 'width=700,height=600');
  popup.document.write('<html><head><title>My answers</title></head><body>' + document.getElementById('answers').outerHTML + '</body></html>');
  popup.document.close();
  popup.print();
}
</script>
SCRIPT;
page_top('Review', 'review', $script, $comment);
status_bar($attempt['id'], 'Review', 100);
?>
<h1>Review your answers</h1>
<table class="list" id="answers">
<tr><th>Question</th><th>Your answer</th><th></th></tr>
<?php foreach (content()['questions'] as $index => $question): ?>
<tr><td><?= $index + 1 ?>. <?= h($question['title']) ?></td><td><?= h(answer_text($question, $attempt['answers'][$index + 1] ?? null)) ?></td><td><a href="<?= $base ?>/q/<?= $index + 1 ?>">Change</a></td></tr>
<?php endforeach; ?>
</table>
<?php upload_summary($attempt['upload']); ?>
<p class="message">After you finish, your answers can no longer be changed.</p>
<form method="post" action="<?= $base ?>/finish">
<?= csrf_field() ?>
<p class="buttons"><a href="<?= $base ?>/upload">Previous</a> <button type="button" class="plain" onclick="printAnswers()">Print</button> <input class="submit right" type="submit" value="Finish examination" /></p>
</form>
<?php
page_bottom();
