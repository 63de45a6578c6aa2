<?php
/*
 * Prints the table of what PHP and its extensions bring, php.txt, from what the running PHP says of itself:
 *
 *     php [-d extension=NAME ...] names.php since.txt > php.txt
 *
 * Load every extension that can be had: a name that no line has is unknown, and nothing is said of it. The versions, and the
 * names that this PHP is too old for, are those of since.txt, which is written by hand from PHP's manual.
 *
 * One line each, words between blanks:
 *     ext NAME                                            what follows belongs to this extension
 *     f FUNCTION[@SINCE] ...                              functions
 *     c CONSTANT[@SINCE] ...                              constants
 *     k NAME[@SINCE] KIND PARENT INTERFACES CONSTANTS METHODS    a class; `-` for none, lists with commas
 * KIND: c class, a abstract class, F final class, i interface, t trait, e enum.
 * A method: NAME:REQUIRED:ALL:FLAGS; flags: a abstract, s static, f final, p protected, v private, r any number of arguments.
 */

$since = [];
$later = [];
foreach (file($argv[1], FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES) as $line) {
    if ($line[0] === '#') {
        continue;
    }
    [$version, $kind, $extension] = explode(' ', $line);
    foreach (array_slice(explode(' ', $line), 3) as $name) {
        $since[$kind . strtolower($name)] = $version;
        $later[$extension][$kind][$name] = true;
    }
}

$word = fn(string $kind, string $name) => $name
    . (isset($since[$kind . strtolower($name)]) ? '@' . $since[$kind . strtolower($name)] : '');
$list = fn(array $names) => $names ? implode(',', $names) : '-';

function flags(ReflectionMethod $method): string
{
    return ($method->isAbstract() ? 'a' : '') . ($method->isStatic() ? 's' : '') . ($method->isFinal() ? 'f' : '')
        . ($method->isProtected() ? 'p' : '') . ($method->isPrivate() ? 'v' : '') . ($method->isVariadic() ? 'r' : '');
}

function kind(ReflectionClass $class): string
{
    return match (true) {
        $class->isInterface() => 'i',
        $class->isTrait() => 't',
        $class->isEnum() => 'e',
        $class->isAbstract() => 'a',
        $class->isFinal() => 'F',
        default => 'c',
    };
}

$class_line = function (ReflectionClass $class) use ($word, $list) {
    $methods = [];
    foreach ($class->getMethods() as $method) {
        $methods[] = implode(':', [
            $method->getName(),
            $method->getNumberOfRequiredParameters(),
            $method->getNumberOfParameters(),
            flags($method),
        ]);
    }
    $parent = $class->getParentClass();
    $constants = array_map(fn($constant) => $constant->getName(), $class->getReflectionConstants());
    return implode(' ', ['k', $word('k', $class->getName()), kind($class), $parent ? $parent->getName() : '-',
        $list($class->getInterfaceNames()), $list($constants), $list($methods)]);
};

$constants = get_defined_constants(true);
$extensions = get_loaded_extensions();
sort($extensions, SORT_FLAG_CASE | SORT_STRING);
foreach ($extensions as $name) {
    $extension = new ReflectionExtension($name);
    $functions = array_keys($extension->getFunctions());
    $values = array_keys($constants[$name] ?? []);
    $classes = $extension->getClasses();
    $more = $later[strtolower($name)] ?? [];
    $known = array_change_key_case(array_flip(array_merge($functions, $values)));
    $is_new = fn(string $name) => !isset($known[strtolower($name)]);
    $functions = array_merge($functions, array_filter(array_keys($more['f'] ?? []), $is_new));
    $values = array_merge($values, array_filter(array_keys($more['c'] ?? []), $is_new));
    echo 'ext ', strtolower($name), "\n";
    if ($functions) {
        echo 'f ', implode(' ', array_map(fn($name) => $word('f', strtolower($name)), $functions)), "\n";
    }
    if ($values) {
        // `null` and its like are words of the language.
        $values = array_diff($values, ['TRUE', 'FALSE', 'NULL']);
        echo 'c ', implode(' ', array_map(fn($name) => $word('c', $name), $values)), "\n";
    }
    foreach ($classes as $class) {
        echo $class_line($class), "\n";
    }
    foreach (array_keys($more['k'] ?? []) as $name) {
        if (!isset($extension->getClasses()[$name])) {
            // Nothing is known of it but its name.
            echo 'k ', $word('k', $name), " ? - - - -\n";
        }
    }
}
