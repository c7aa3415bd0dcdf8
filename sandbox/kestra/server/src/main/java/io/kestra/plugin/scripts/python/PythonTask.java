package io.kestra.plugin.scripts.python;

import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import io.kestraflow.engine.plugins.LocalScript;
import java.util.List;

/** What Python tasks share. They run the machine's own Python, so they cannot choose its version or add packages to it. */
abstract class PythonTask extends LocalScript {
    protected Property<List<String>> dependencies;
    protected Property<String> pythonVersion;
    protected Property<String> packageManager;
    protected Property<Boolean> dependencyCacheEnabled;

    public Property<List<String>> getDependencies() {
        return dependencies;
    }

    public Property<String> getPythonVersion() {
        return pythonVersion;
    }

    public Property<String> getPackageManager() {
        return packageManager;
    }

    public Property<Boolean> getDependencyCacheEnabled() {
        return dependencyCacheEnabled;
    }

    @Override
    public ScriptOutput run(RunContext runContext) throws Exception {
        if (dependencies != null || pythonVersion != null) {
            throw new UnsupportedOperationException(
                "This sandbox runs the machine's own Python: `dependencies` and `pythonVersion` need the official Kestra image");
        }
        return super.run(runContext);
    }
}
