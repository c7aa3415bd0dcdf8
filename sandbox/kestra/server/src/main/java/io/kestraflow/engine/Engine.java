package io.kestraflow.engine;

import io.kestra.core.runners.ExecutorInterface;
import io.kestra.core.runners.Indexer;
import io.kestra.core.runners.Scheduler;
import io.kestra.worker.DefaultWorker;
import io.micronaut.context.ApplicationContext;
import java.util.UUID;

/** Starts the four services of the engine, each in a thread of its own: executor, scheduler, indexer and worker. */
final class Engine {
    private static final int WORKER_THREADS = 8;
    private static final String NO_WORKER_GROUP = null;

    private Engine() {}

    static void start(ApplicationContext context) {
        run("executor", context.getBean(ExecutorInterface.class));
        run("indexer", context.getBean(Indexer.class));
        run("worker", context.createBean(DefaultWorker.class, UUID.randomUUID().toString(), WORKER_THREADS, NO_WORKER_GROUP));
        run("scheduler", context.getBean(Scheduler.class));
    }

    private static void run(String name, Runnable service) {
        Thread thread = new Thread(service, name);
        thread.setUncaughtExceptionHandler((failed, error) -> {
            error.printStackTrace();
            System.err.println("engine server: the " + name + " stopped; nothing works without it");
            System.exit(1);
        });
        thread.start();
    }
}
