<?php

// A small application on Laravel's real queue component: a producer and a worker for the tests, nothing else.
//   php app.php send JSON [DELAY] | bulk JSON | string JSON | chain N | unique ID | secret TEXT | size
//     | work [SECONDS_OF_SLEEP] | tables | failed | retry UUID | restart
// Environment: REDIS_PORT, REDIS_PREFIX, RETRY_AFTER, and TOUCH, a file that a hanging job makes before it hangs.
// With QUEUE=database its jobs are in the database of DATABASE_URL, or in the file DATABASE_FILE; failed jobs always.

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
        if ($this->name === 'fail') {
            throw new \RuntimeException('no such name');
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
    'database' => ['default' => 'main', 'connections' => ['main' => getenv('DATABASE_URL')
            ? ['driver' => parse_url(getenv('DATABASE_URL'), PHP_URL_SCHEME) === 'mysql' ? 'mysql' : 'pgsql',
                'url' => getenv('DATABASE_URL'), 'schema' => getenv('DATABASE_SCHEMA'),
                'strict' => true]
                + (getenv('DATABASE_SCHEMA') ? [] : ['charset' => 'utf8mb4', 'collation' => 'utf8mb4_unicode_ci'])
            : ['driver' => 'sqlite', 'database' => getenv('DATABASE_FILE')]],
        'redis' => [
            'client' => 'phpredis', 'options' => ['prefix' => getenv('REDIS_PREFIX')], 'default' => $redis]],
    'queue' => ['default' => getenv('QUEUE') ?: 'redis', 'connections' => [
        'redis' => [
            'driver' => 'redis', 'connection' => 'default', 'queue' => 'default',
            'retry_after' => (int) (getenv('RETRY_AFTER') ?: 90)],
        'database' => [
            'driver' => 'database', 'table' => 'jobs', 'queue' => 'default',
            'retry_after' => (int) (getenv('RETRY_AFTER') ?: 90)]],
        'failed' => ['driver' => 'database-uuids', 'database' => 'main', 'table' => 'failed_jobs']],
    'cache' => ['default' => getenv('REDIS_PORT') ? 'redis' : 'database', 'prefix' => 'laravel_cache', 'stores' => [
        'redis' => ['driver' => 'redis', 'connection' => 'default', 'lock_connection' => 'default'],
        'database' => ['driver' => 'database', 'table' => 'cache', 'connection' => 'main']]],
]));
\Illuminate\Support\Facades\Facade::setFacadeApplication($app);
foreach (['Events\Event', 'Database\Database', 'Redis\Redis', 'Cache\Cache', 'Encryption\Encryption', 'Bus\Bus', 'Queue\Queue'] as $name) {
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
    case 'bulk':
        $queue->bulk(array_map(fn ($one) => Greet::with($one), $given));
        break;
    case 'tables':
        $schema = $app['db']->connection()->getSchemaBuilder();
        $schema->create('jobs', function ($table) {
            $table->bigIncrements('id');
            $table->string('queue')->index();
            $table->longText('payload');
            $table->unsignedTinyInteger('attempts');
            $table->unsignedInteger('reserved_at')->nullable();
            $table->unsignedInteger('available_at');
            $table->unsignedInteger('created_at');
        });
        $schema->create('failed_jobs', function ($table) {
            $table->id();
            $table->string('uuid')->unique();
            $table->text('connection');
            $table->text('queue');
            $table->longText('payload');
            $table->longText('exception');
            $table->timestamp('failed_at')->useCurrent();
        });
        $schema->create('cache', function ($table) {
            $table->string('key')->primary();
            $table->mediumText('value');
            $table->integer('expiration');
        });
        $schema->create('cache_locks', function ($table) {
            $table->string('key')->primary();
            $table->string('owner');
            $table->integer('expiration');
        });
        break;
    case 'failed':
        foreach ($app['queue.failer']->all() as $one) {
            say((array) $one);
        }
        break;
    case 'retry':
        $command = new \Illuminate\Queue\Console\RetryCommand();
        $command->setLaravel($app);
        exit($command->run(
            new \Symfony\Component\Console\Input\ArrayInput(['id' => [$argv[2]]]),
            new \Symfony\Component\Console\Output\ConsoleOutput()
        ));
    case 'restart':
        $app['cache']->forever('illuminate:queue:restart', time());
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
        $events->listen(\Illuminate\Queue\Events\JobFailed::class, function ($e) use ($app) {
            say(['failed' => $e->exception->getMessage()]);
            if (getenv('DATABASE_URL') || getenv('DATABASE_FILE')) {
                $app['queue.failer']->log(
                    $e->connectionName, $e->job->getQueue(), $e->job->getRawBody(), $e->exception
                );
            }
        });
        $worker = new \Illuminate\Queue\Worker($app['queue'], $events, new Reports(), fn () => false);
        $worker->setCache($app['cache']->driver());
        $options = new \Illuminate\Queue\WorkerOptions();
        $options->stopWhenEmpty = true;
        $options->sleep = (float) ($argv[2] ?? 0.1);
        exit($worker->daemon(getenv('QUEUE') ?: 'redis', 'default', $options) ?? 0);
}
