package io.kestra.plugin.scripts.python;

import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import jakarta.validation.constraints.NotNull;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** A Python script. */
public class Script extends PythonTask {
    @NotNull
    private Property<String> script;

    public Property<String> getScript() {
        return script;
    }

    @Override
    protected Property<List<String>> commandLines(RunContext runContext, CommandsWrapper commands) throws Exception {
        byte[] source = commands.render(runContext, script).getBytes(StandardCharsets.UTF_8);
        Path file = runContext.workingDir().createTempFile(source, ".py");
        return Property.ofValue(List.of("$(command -v python3 || command -v python) '" + file + "'"));
    }
}
