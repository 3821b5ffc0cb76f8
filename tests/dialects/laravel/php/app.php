<?php

// A small application on Laravel's real queue component: a producer and a worker for the tests, nothing else.
//   php app.php send JSON [DELAY] | string JSON | chain N | unique ID | secret TEXT | size | work [SECONDS_OF_SLEEP]
// Environment: REDIS_PORT, REDIS_PREFIX, RETRY_AFTER, and TOUCH, a file that a hanging job makes before it hangs.

namespace App\Jobs;

error_reporting(E_ALL & ~E_DEPRECATED);
require '/usr/share/php/Illuminate/autoload.php';

use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldBeEncrypted;
use Illuminate\Contracts\Queue\ShouldBeUnique;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Queue\InteractsWithQueue;

function say(array $what): void
{
    echo json_encode($what, JSON_UNESCAPED_UNICODE), "\n";
}

class Greet implements ShouldQueue
{
    use InteractsWithQueue, Queueable;

    public $name;
    protected $n;
    private $opts;

    public static function with(array $given): static
    {
        $made = new static();
        foreach ($given as $key => $value) {
            $made->$key = $value;
        }
        return $made;
    }

    public function handle(): void
    {
        if ($this->name === 'hang') {
            touch(getenv('TOUCH'));
            sleep(60);
        }
        say(['name' => $this->name, 'n' => $this->n, 'opts' => $this->opts, 'attempt' => $this->attempts()]);
    }
}

class Alone extends Greet implements ShouldBeUnique
{
    public $uniqueFor = 600;
    public $uniqueId;
}

class Secret extends Greet implements ShouldBeEncrypted
{
}

class Text
{
    public function run($job, $data): void
    {
        say(['data' => $data, 'attempt' => $job->attempts()]);
        $job->delete();
    }
}

class Reports implements \Illuminate\Contracts\Debug\ExceptionHandler
{
    public function report(\Throwable $e)
    {
        fwrite(STDERR, get_class($e).': '.$e->getMessage()."\n");
    }

    public function shouldReport(\Throwable $e)
    {
        return true;
    }

    public function render($request, \Throwable $e)
    {
        throw $e;
    }

    public function renderForConsole($output, \Throwable $e)
    {
        throw $e;
    }
}

class App extends \Illuminate\Container\Container
{
    public function isDownForMaintenance()
    {
        return false;
    }
}

$app = new App();
App::setInstance($app);
$app->instance('app', $app);
$app->instance(\Illuminate\Container\Container::class, $app);
$app->instance(\Illuminate\Contracts\Container\Container::class, $app);
$redis = ['host' => '127.0.0.1', 'port' => (int) getenv('REDIS_PORT'), 'database' => 0, 'read_timeout' => 60];
$app->instance('config', new \Illuminate\Config\Repository([
    'app' => ['key' => 'base64:'.base64_encode(str_repeat('k', 32)), 'cipher' => 'AES-256-CBC'],
    'database' => ['redis' => [
        'client' => 'phpredis', 'options' => ['prefix' => getenv('REDIS_PREFIX')], 'default' => $redis]],
    'queue' => ['default' => 'redis', 'connections' => ['redis' => [
        'driver' => 'redis', 'connection' => 'default', 'queue' => 'default',
        'retry_after' => (int) (getenv('RETRY_AFTER') ?: 90)]]],
    'cache' => ['default' => 'redis', 'prefix' => 'laravel_cache', 'stores' => [
        'redis' => ['driver' => 'redis', 'connection' => 'default', 'lock_connection' => 'default']]],
]));
\Illuminate\Support\Facades\Facade::setFacadeApplication($app);
foreach (['Events\Event', 'Redis\Redis', 'Cache\Cache', 'Encryption\Encryption', 'Bus\Bus', 'Queue\Queue'] as $name) {
    $provider = "Illuminate\\{$name}ServiceProvider";
    (new $provider($app))->register();
}
$app->alias('queue', \Illuminate\Queue\QueueManager::class);
$app->alias('queue', \Illuminate\Contracts\Queue\Factory::class);
$app->alias('events', \Illuminate\Contracts\Events\Dispatcher::class);
$app->alias('encrypter', \Illuminate\Contracts\Encryption\Encrypter::class);
$app->alias('cache.store', \Illuminate\Contracts\Cache\Repository::class);
$app->alias('cache', \Illuminate\Contracts\Cache\Factory::class);
$app->alias('redis', \Illuminate\Contracts\Redis\Factory::class);
$app->bind(\Illuminate\Contracts\Debug\ExceptionHandler::class, Reports::class);

function dispatch_now_or_never(object $job): void
{
    $pending = new \Illuminate\Foundation\Bus\PendingDispatch($job);
    unset($pending);
}

$queue = $app['queue']->connection();
$given = json_decode($argv[2] ?? 'null', true);
switch ($argv[1]) {
    case 'send':
        isset($argv[3]) && (int) $argv[3] ? $queue->later((int) $argv[3], Greet::with($given)) : $queue->push(Greet::with($given));
        break;
    case 'string':
        $queue->push('App\Jobs\Text@run', $given);
        break;
    case 'chain':
        $rest = array_map(fn ($n) => Greet::with(['n' => $n]), range(2, (int) $given));
        dispatch_now_or_never(Greet::with(['n' => 1])->chain($rest));
        break;
    case 'unique':
        dispatch_now_or_never(Alone::with(['uniqueId' => $argv[2]]));
        break;
    case 'secret':
        $queue->push(Secret::with(['name' => $argv[2]]));
        break;
    case 'size':
        say(['size' => $queue->size()]);
        break;
    case 'work':
        $events = $app['events'];
        $events->listen(\Illuminate\Queue\Events\JobFailed::class, function ($e) {
            say(['failed' => $e->exception->getMessage()]);
        });
        $worker = new \Illuminate\Queue\Worker($app['queue'], $events, new Reports(), fn () => false);
        $worker->setCache($app['cache']->driver());
        $options = new \Illuminate\Queue\WorkerOptions();
        $options->stopWhenEmpty = true;
        $options->sleep = (float) ($argv[2] ?? 0.1);
        exit($worker->daemon('redis', 'default', $options) ?? 0);
}
