package io.kestraflow.engine.rest;

import static io.kestraflow.engine.rest.Tenants.MAIN;

import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.repositories.LogRepositoryInterface;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Inject;
import java.util.List;
import org.slf4j.event.Level;

/** What the tasks of an execution logged; a failed task says there why it failed. */
@Controller(Tenants.BASE + "/logs")
@ExecuteOn(TaskExecutors.BLOCKING)
class LogController {
    @Inject LogRepositoryInterface logs;

    @Get("/{executionId}")
    List<LogEntry> logs(String executionId, @QueryValue @Nullable Level minLevel) {
        return logs.findByExecutionId(MAIN, executionId, minLevel);
    }
}
