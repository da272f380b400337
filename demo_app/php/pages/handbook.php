<?php
allow_methods('GET');
$handbook = content()['handbook'];
$paragraphs = $handbook['paragraphs'];
page_top('Examination handbook', 'handbook');
?>
<h1>Examination handbook</h1>
<ol>
<?php foreach ($handbook['subjects'] as $index => $subject): ?>
<li><a href="#chapter<?= $index + 1 ?>"><?= h($subject) ?></a></li>
<?php endforeach; ?>
</ol>
<?php
foreach ($handbook['subjects'] as $index => $subject) {
    $chapter = $index + 1;
    echo '<h2 id="chapter' . $chapter . '">' . $chapter . '. ' . h($subject) . "</h2>\n";
    foreach ($handbook['aspects'] as $at => $aspect) {
        echo '<h3>' . $chapter . '.' . ($at + 1) . ' ' . h($aspect) . "</h3>\n";
        echo '<p>' . h($paragraphs[($chapter * 3 + $at) % count($paragraphs)]) . "</p>\n";
        echo '<p>' . h($paragraphs[($chapter * 5 + $at * 3 + 4) % count($paragraphs)]) . "</p>\n";
    }
}
page_bottom();
