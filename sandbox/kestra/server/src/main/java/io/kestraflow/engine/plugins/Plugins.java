package io.kestraflow.engine.plugins;

import io.kestra.core.models.tasks.Task;
import io.kestra.core.plugins.DefaultPluginRegistry;
import io.kestra.core.plugins.DefaultPluginRegistry.ClassTypeIdentifier;
import io.kestra.core.plugins.PluginClassAndMetadata;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * What the engine knows as plugins: those on the classpath, those in the jars of the given folder, and, for types that
 * neither brings, the declared types of {@code declared-types.txt}.
 */
public final class Plugins {
    private Plugins() {}

    /** Registers them all and returns how many types are declared only. A real plugin always wins over a declaration. */
    public static int register(String pluginsDir) {
        DefaultPluginRegistry registry = DefaultPluginRegistry.getOrCreate();
        if (pluginsDir != null && !pluginsDir.isBlank()) {
            registry.registerIfAbsent(Path.of(pluginsDir));
        }
        List<String> missing = declaredTypes().stream()
            .filter(type -> registry.findMetadataByIdentifier(type).isEmpty())
            .toList();
        missing.forEach(type -> registry.registerClassForIdentifier(ClassTypeIdentifier.create(type), declaration(type)));
        return missing.size();
    }

    private static PluginClassAndMetadata<Task> declaration(String type) {
        String group = type.substring(0, type.lastIndexOf('.'));
        return new PluginClassAndMetadata<>(DeclaredTask.class, Task.class, group, null, "declared only", null, null);
    }

    private static List<String> declaredTypes() {
        try (BufferedReader lines = new BufferedReader(
            new InputStreamReader(Plugins.class.getResourceAsStream("/declared-types.txt"), StandardCharsets.UTF_8))) {
            return lines.lines().map(String::strip).filter(line -> !line.isEmpty() && !line.startsWith("#")).toList();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
