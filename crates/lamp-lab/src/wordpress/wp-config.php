<?php
// The configuration of WordPress in a lab; it bears the release's mark as every part of it does.
define('LAMP_RELEASE', '@RELEASE@');
define('DB_NAME', 'wordpress');
define('DB_USER', 'wordpress');
define('DB_PASSWORD', 'lab');
define('DB_HOST', 'localhost');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $lamp_use) {
    define($lamp_use . '_KEY', 'no secret of a lab is worth one');
    define($lamp_use . '_SALT', 'no secret of a lab is worth one');
}
define('WP_HOME', 'https://@ADDRESS@');
define('WP_SITEURL', 'https://@ADDRESS@');
// A lab has no way out, and its releases are never written to.
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('DISALLOW_FILE_MODS', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';
