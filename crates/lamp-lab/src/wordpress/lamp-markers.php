<?php
// Shows, at the end of every page, which release each part of it came from.
function lamp_markers(): void
{
    $dir = include __DIR__ . '/../lamp/dir.php';
    $relative = include 'wp-content/lamp/relative.php';
    $root = include $_SERVER['DOCUMENT_ROOT'] . '/wp-content/lamp/root.php';
    echo '<!-- lamp-markers entry=', LAMP_RELEASE, " dir=$dir relative=$relative root=$root end -->\n";
}
add_action('wp_footer', 'lamp_markers');
add_action('login_footer', 'lamp_markers');
