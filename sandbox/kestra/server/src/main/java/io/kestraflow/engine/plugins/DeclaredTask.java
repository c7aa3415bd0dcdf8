package io.kestraflow.engine.plugins;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.models.tasks.VoidOutput;
import io.kestra.core.runners.RunContext;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Stands for a task type whose plugin is not on the package registries. Validation accepts the type with any properties; an
 * execution of it fails and says why.
 */
public class DeclaredTask extends Task implements RunnableTask<VoidOutput> {
    private final Map<String, Object> properties = new LinkedHashMap<>();

    @JsonAnyGetter
    public Map<String, Object> getProperties() {
        return properties;
    }

    @JsonAnySetter
    public void setProperty(String name, Object value) {
        properties.put(name, value);
    }

    @Override
    public VoidOutput run(RunContext runContext) {
        throw new UnsupportedOperationException(
            "The type " + type + " is only declared in this sandbox: to run it, use the official Kestra image, which ships the "
                + "plugin, or start the sandbox with a folder that holds the plugin's jar");
    }
}
