package io.kestra.plugin.scripts.shell;

import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestraflow.engine.plugins.LocalScript;
import jakarta.validation.constraints.NotNull;
import java.util.List;

/** A shell script of several lines. */
public class Script extends LocalScript {
    @NotNull
    private Property<String> script;

    public Property<String> getScript() {
        return script;
    }

    @Override
    protected Property<List<String>> commandLines(RunContext runContext, CommandsWrapper commands) throws Exception {
        return Property.ofValue(List.of(commands.render(runContext, script)));
    }
}
