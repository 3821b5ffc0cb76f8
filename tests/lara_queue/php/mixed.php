<?php

// Sends jobs of every kind that Laravel's dispatcher knows, each with a number of its own: php mixed.php COUNT.
// Of twenty in turn four are delayed, two are strings, two encrypted, two unique and dispatched twice, four a chain, and
// one fails.

namespace App\Jobs;

$count = (int) $argv[1];
$argv[1] = '';
require __DIR__.'/../../dialects/laravel/php/app.php';

for ($n = 0; $n < $count; $n++) {
    $made = Greet::with(['n' => $n, 'name' => "ann $n", 'opts' => ['k' => [1, 2]]]);
    $place = $n % 20;
    if ($place < 4) {
        $queue->later(1 + $place % 2, $made);
    } elseif ($place < 6) {
        $queue->push('App\Jobs\Text@run', ['n' => $n]);
    } elseif ($place < 8) {
        $queue->push(Secret::with(['n' => $n]));
    } elseif ($place < 10) {
        // Late enough that the first one still holds its lock when the second comes.
        dispatch_now_or_never(Alone::with(['n' => $n, 'uniqueId' => "u$n"])->delay(3));
        dispatch_now_or_never(Alone::with(['n' => $n, 'uniqueId' => "u$n"])->delay(3));
    } elseif ($place === 10) {
        dispatch_now_or_never($made->chain(array_map(fn ($more) => Greet::with(['n' => $n + $more]), [1, 2, 3])));
        $n += 3;
    } elseif ($place === 14) {
        $queue->push(Greet::with(['n' => $n, 'name' => 'fail']));
    } else {
        $queue->push($made);
    }
}
