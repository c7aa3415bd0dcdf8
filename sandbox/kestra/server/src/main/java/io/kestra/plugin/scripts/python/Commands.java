package io.kestra.plugin.scripts.python;

import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import jakarta.validation.constraints.NotNull;
import java.util.List;

/** Commands that use Python. */
public class Commands extends PythonTask {
    @NotNull
    private Property<List<String>> commands;

    public Property<List<String>> getCommands() {
        return commands;
    }

    @Override
    protected Property<List<String>> commandLines(RunContext runContext, CommandsWrapper wrapper) {
        return commands;
    }
}
