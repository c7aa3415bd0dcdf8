package io.kestraflow.sample;

import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.runners.RunContext;

/** A plugin's task as small as it can be: tests install its jar to see flows that waited for the type become valid. */
public class Greet extends Task implements RunnableTask<Greet.Output> {
    private Property<String> name;

    public Property<String> getName() {
        return name;
    }

    @Override
    public Output run(RunContext runContext) throws Exception {
        return new Output("Hello, " + runContext.render(name).as(String.class).orElse("world") + "!");
    }

    public record Output(String greeting) implements io.kestra.core.models.tasks.Output {}
}
