package io.kestraflow.engine;

import io.kestraflow.engine.plugins.Plugins;
import io.micronaut.context.ApplicationContext;
import io.micronaut.runtime.server.EmbeddedServer;
import java.util.Map;

/**
 * The engine server: Kestra's engine behind a test REST layer, in one process.
 *
 * <p>Configured by environment variables: ENGINE_PORT, ENGINE_DATA_DIR, ENGINE_USERNAME, ENGINE_PASSWORD and, optionally,
 * ENGINE_PLUGINS_DIR (a folder of plugin jars). It listens on the loopback address only.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        try {
            start();
        } catch (RuntimeException error) {
            error.printStackTrace();
            System.exit(1);
        }
    }

    private static void start() {
        int declared = Plugins.register(System.getenv("ENGINE_PLUGINS_DIR"));
        Map<String, Object> properties = Map.of(
            "micronaut.server.port", required("ENGINE_PORT"),
            "engine.data-dir", required("ENGINE_DATA_DIR"),
            "engine.username", required("ENGINE_USERNAME"),
            "engine.password", required("ENGINE_PASSWORD"),
            "engine.url", "http://127.0.0.1:" + required("ENGINE_PORT") + "/");
        ApplicationContext context = ApplicationContext.builder(properties).mainClass(Main.class).banner(false).start();
        Runtime.getRuntime().addShutdownHook(new Thread(context::close, "shutdown"));
        Engine.start(context);
        EmbeddedServer server = context.getBean(EmbeddedServer.class).start();
        System.out.printf("engine server ready on %s, %d task types declared only%n", server.getURL(), declared);
    }

    private static String required(String name) {
        String value = System.getenv(name);
        if (value == null || value.isBlank()) {
            System.err.println("engine server: set the environment variable " + name);
            System.exit(2);
        }
        return value;
    }
}
