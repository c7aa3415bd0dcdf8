package io.kestraflow.engine.rest;

import static io.kestraflow.engine.rest.Tenants.MAIN;

import io.kestra.core.exceptions.FlowProcessingException;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.models.flows.GenericFlow;
import io.kestra.core.models.validations.ValidateConstraintViolation;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.services.FlowService;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Delete;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.Put;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.http.server.exceptions.NotFoundException;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Flows, by their YAML source. */
@Controller(Tenants.BASE + "/flows")
@ExecuteOn(TaskExecutors.BLOCKING)
class FlowController {
    private static final boolean STRICTLY = true;

    /** Names one flow in a list. */
    record Id(String namespace, String id) {}

    @Inject FlowService service;
    @Inject FlowRepositoryInterface repository;

    /** Unknown properties are refused. */
    @Post(consumes = MediaType.APPLICATION_YAML)
    FlowWithSource createFlow(@Body String source) throws FlowProcessingException {
        return service.create(GenericFlow.fromYaml(MAIN, source), STRICTLY);
    }

    /** Unknown properties are accepted: that is how the 1.x line updates. */
    @Put(uri = "/{namespace}/{id}", consumes = MediaType.APPLICATION_YAML)
    FlowWithSource updateFlow(String namespace, String id, @Body String source) {
        return repository.findByIdWithSource(MAIN, namespace, id)
            .map(existing -> repository.update(GenericFlow.fromYaml(MAIN, source), existing))
            .orElseThrow(NotFoundException::new);
    }

    @Get("/{namespace}/{id}")
    Flow flow(
        String namespace,
        String id,
        @QueryValue(defaultValue = "false") boolean source,
        @QueryValue @Nullable Integer revision,
        @QueryValue(defaultValue = "false") boolean allowDeleted) {
        Optional<Integer> wanted = Optional.ofNullable(revision);
        return source
            ? repository.findByIdWithSource(MAIN, namespace, id, wanted, allowDeleted).orElseThrow(NotFoundException::new)
            : repository.findById(MAIN, namespace, id, wanted, allowDeleted).orElseThrow(NotFoundException::new);
    }

    @Delete("/{namespace}/{id}")
    HttpResponse<?> deleteFlow(String namespace, String id) {
        service.delete(repository.findByIdWithSource(MAIN, namespace, id).orElseThrow(NotFoundException::new));
        return HttpResponse.noContent();
    }

    @Get("/{namespace}/{id}/revisions")
    List<FlowWithSource> revisions(String namespace, String id) {
        return repository.findRevisions(MAIN, namespace, id);
    }

    @Get("/{namespace}")
    List<Flow> flows(String namespace) {
        return repository.findByNamespace(MAIN, namespace);
    }

    @Get("/distinct-namespaces")
    List<String> namespaces() {
        return repository.findDistinctNamespace(MAIN);
    }

    @Get("/search")
    Page<Flow> searchFlows(HttpRequest<?> request) {
        return Page.of(repository.find(
            Page.requested(request, "searchFlows", UnaryOperator.identity()), MAIN, Filters.requested(request)));
    }

    /** Always answers 200; what is wrong stands in the list, one item per YAML document. */
    @Post(uri = "/validate", consumes = MediaType.APPLICATION_YAML)
    List<ValidateConstraintViolation> validateFlows(@Body String flows) {
        return service.validate(MAIN, flows);
    }

    @Post("/disable/by-ids")
    Map<String, Integer> disable(@Body List<Id> ids) {
        return setDisabled(ids, true);
    }

    @Post("/enable/by-ids")
    Map<String, Integer> enable(@Body List<Id> ids) {
        return setDisabled(ids, false);
    }

    /** Rewrites the sources and so makes new revisions, as the 1.x line does. */
    private Map<String, Integer> setDisabled(List<Id> ids, boolean disabled) {
        List<FlowWithSource> flows = ids.stream()
            .flatMap(it -> repository.findByIdWithSource(MAIN, it.namespace(), it.id()).stream())
            .filter(flow -> flow.isDisabled() != disabled)
            .toList();
        flows.forEach(flow ->
            repository.update(GenericFlow.fromYaml(MAIN, FlowService.injectDisabled(flow.getSource(), disabled)), flow));
        return Map.of("count", flows.size());
    }
}
