<?php
allow_methods('GET', 'POST');
$attempt = require_attempt($params[1]);
if (is_post()) {
    check_csrf();
    redirect('/exam/' . $attempt['id'] . '/q/1');
    return;
}
page_top('Instructions', 'instructions');
?>
<h1><?= h(exam()['title']) ?></h1>
<p><?= h(exam()['code']) ?>, <?= h(exam()['term']) ?>. Attempt <code><?= $attempt['id'] ?></code></p>
<ul>
<li>You have <?= exam()['minutes'] ?> minutes for <?= question_count() ?> questions. The clock starts when the first question is displayed.</li>
<li>Your answer is saved whenever you leave a question with Previous, Next or Scratch paper.</li>
<li>You may go back and change your answers until you finish the examination.</li>
<li>After the last question you can upload one file with your working, at most <?= upload_megabytes() ?> MB.</li>
<li>The <a href="/handbook">examination handbook</a> applies.</li>
</ul>
<form method="post" action="/exam/<?= $attempt['id'] ?>/instructions">
<?= csrf_field() ?>
<p class="buttons"><input class="submit" type="submit" value="Begin" /></p>
</form>
<?php
page_bottom();
