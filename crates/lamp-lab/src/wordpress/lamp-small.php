<?php
// A small page of the same release, for rates that WordPress itself does not reach.
$entry = '@RELEASE@';
$dir = include __DIR__ . '/wp-content/lamp/dir.php';
$relative = include 'wp-content/lamp/relative.php';
$root = include $_SERVER['DOCUMENT_ROOT'] . '/wp-content/lamp/root.php';
header('Content-Type: text/plain');
echo "lamp-markers entry=$entry dir=$dir relative=$relative root=$root end\n";
