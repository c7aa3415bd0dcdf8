package io.kestraflow.engine.rest;

import static io.kestraflow.engine.rest.Tenants.MAIN;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.ExecutionKilledExecution;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.queues.QueueException;
import io.kestra.core.queues.QueueFactoryInterface;
import io.kestra.core.queues.QueueInterface;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.services.FlowService;
import io.micronaut.context.annotation.Value;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Delete;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.http.server.exceptions.NotFoundException;
import io.micronaut.http.server.multipart.MultipartBody;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Inject;
import jakarta.inject.Named;
import java.io.IOException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Optional;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Executions: start one, read, search, delete, kill. */
@Controller(Tenants.BASE + "/executions")
@ExecuteOn(TaskExecutors.BLOCKING)
class ExecutionController {
    private static final Duration POLL = Duration.ofMillis(50);

    @Inject FlowService flows;
    @Inject ExecutionService service;
    @Inject FlowInputOutput inputReader;
    @Inject ExecutionRepositoryInterface repository;
    @Inject ObjectMapper mapper;
    @Inject @Named(QueueFactoryInterface.EXECUTION_NAMED) QueueInterface<Execution> queue;
    @Inject @Named(QueueFactoryInterface.KILL_NAMED) QueueInterface<ExecutionKilled> kills;
    @Value("${engine.url}") String url;

    /** Answers before the execution is stored, unless it is to wait for its end. */
    @Post(uri = "/{namespace}/{id}", consumes = MediaType.MULTIPART_FORM_DATA)
    Mono<ObjectNode> createExecution(
        String namespace,
        String id,
        @Body @Nullable MultipartBody inputs,
        @QueryValue @Nullable List<String> labels,
        @QueryValue(defaultValue = "false") boolean wait,
        @QueryValue @Nullable Integer revision,
        @QueryValue @Nullable ZonedDateTime scheduleDate) {
        Flow flow = flows.getFlowIfExecutableOrThrow(MAIN, namespace, id, Optional.ofNullable(revision));
        Execution created = Execution.newExecution(
            flow, null, Labels.ofExecution(labels == null ? List.of() : labels), Optional.ofNullable(scheduleDate));
        return inputReader.readExecutionInputs(flow, created, inputs == null ? Flux.empty() : inputs)
            .map(values -> started(created.withInputs(values)))
            .flatMap(execution -> wait ? ended(execution) : Mono.just(execution))
            .map(this::withUrl);
    }

    @Get("/{executionId}")
    Execution execution(String executionId) {
        return repository.findById(MAIN, executionId).orElseThrow(NotFoundException::new);
    }

    @Get("/search")
    Page<Execution> searchExecutions(HttpRequest<?> request) {
        return Page.of(repository.find(
            Page.requested(request, "searchExecutions", repository.sortMapping()::apply), MAIN, Filters.requested(request)));
    }

    @Delete("/{executionId}")
    HttpResponse<?> deleteExecution(
        String executionId,
        @QueryValue(defaultValue = "true") boolean deleteLogs,
        @QueryValue(defaultValue = "true") boolean deleteMetrics,
        @QueryValue(defaultValue = "true") boolean deleteStorage) throws IOException {
        Execution execution = repository.findById(MAIN, executionId).orElseThrow(NotFoundException::new);
        service.delete(execution, deleteLogs, deleteMetrics, deleteStorage);
        return HttpResponse.noContent();
    }

    @Delete("/{executionId}/kill")
    HttpResponse<?> killExecution(String executionId, @QueryValue(defaultValue = "true") boolean isOnKillCascade)
        throws QueueException {
        Execution execution = repository.findById(MAIN, executionId).orElseThrow(NotFoundException::new);
        if (!isOnKillCascade && execution.getState().isTerminated()) {
            throw new IllegalStateException("Execution is already finished, can't kill it");
        }
        kills.emit(ExecutionKilledExecution.builder()
            .state(ExecutionKilled.State.REQUESTED)
            .executionId(executionId)
            .isOnKillCascade(isOnKillCascade)
            .tenantId(MAIN)
            .build());
        return HttpResponse.accepted();
    }

    private Execution started(Execution execution) {
        try {
            queue.emit(execution);
            return execution;
        } catch (QueueException error) {
            throw new IllegalArgumentException(error.getMessage(), error);
        }
    }

    private Mono<Execution> ended(Execution execution) {
        return Flux.interval(POLL)
            .onBackpressureDrop()
            .concatMap(tick -> Mono.justOrEmpty(repository.findById(MAIN, execution.getId())))
            .filter(current -> current.getState().isTerminated())
            .next();
    }

    private ObjectNode withUrl(Execution execution) {
        ObjectNode body = mapper.valueToTree(execution);
        return body.put("url", url + "ui/main/executions/%s/%s/%s".formatted(
            execution.getNamespace(), execution.getFlowId(), execution.getId()));
    }
}
