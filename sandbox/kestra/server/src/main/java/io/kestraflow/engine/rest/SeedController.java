package io.kestraflow.engine.rest;

import static io.kestraflow.engine.rest.Tenants.MAIN;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Post;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;

/** For tests only, and nothing that Kestra has: puts a past into the repository that would take hours to run. */
@Controller("/engine/seed")
@ExecuteOn(TaskExecutors.BLOCKING)
class SeedController {
    @Inject ExecutionRepositoryInterface repository;

    /** Stores executions as they are, in one transaction. Nothing runs: they should be in a terminal state. */
    @Post("/executions")
    Map<String, Integer> seedExecutions(@Body List<Execution> executions) {
        repository.saveBatch(executions.stream().map(execution -> execution.withTenantId(MAIN)).toList());
        return Map.of("count", executions.size());
    }
}
