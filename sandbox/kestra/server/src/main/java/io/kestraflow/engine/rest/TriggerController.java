package io.kestraflow.engine.rest;

import static io.kestraflow.engine.rest.Tenants.MAIN;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.kestra.core.models.QueryFilter;
import io.kestra.core.models.conditions.ConditionContext;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.triggers.AbstractTrigger;
import io.kestra.core.models.triggers.Backfill;
import io.kestra.core.models.triggers.PollingTriggerInterface;
import io.kestra.core.models.triggers.RealtimeTriggerInterface;
import io.kestra.core.models.triggers.Trigger;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.repositories.TriggerRepositoryInterface;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.services.ConditionService;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.Put;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.http.exceptions.HttpStatusException;
import io.micronaut.http.server.exceptions.NotFoundException;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Inject;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.stream.Stream;

/** The state rows of triggers, and the backfill each may carry. */
@Controller(Tenants.BASE + "/triggers")
@ExecuteOn(TaskExecutors.BLOCKING)
class TriggerController {
    /** A trigger's definition in its flow, if it is still there, beside its state. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record DefinitionAndState(@Nullable AbstractTrigger abstractTrigger, Trigger triggerContext) {}

    record SetDisabled(List<Trigger> triggers, boolean disabled) {}

    @Inject TriggerRepositoryInterface triggers;
    @Inject FlowRepositoryInterface flows;
    @Inject RunContextFactory runContexts;
    @Inject ConditionService conditions;

    @Get("/search")
    Page<DefinitionAndState> searchTriggers(HttpRequest<?> request) {
        List<QueryFilter> filters = Filters.requested(request);
        return Page.of(triggers.find(Page.requested(request, "searchTriggers", triggers.sortMapping()::apply), MAIN, filters)
            .map(state -> new DefinitionAndState(definition(state).orElse(null), state)));
    }

    @Get("/{namespace}/{flowId}")
    Page<Trigger> searchTriggersForFlow(
        HttpRequest<?> request, String namespace, String flowId, @QueryValue @Nullable String q) {
        return Page.of(triggers.find(
            Page.requested(request, "searchTriggersForFlow", triggers.sortMapping()::apply), q, MAIN, namespace, flowId, null));
    }

    /**
     * Starts the given backfill, replacing a running one; without a backfill, sets the disabled flag. A trigger that its flow
     * lacks is a 404, also where the flow has no triggers at all: there the 1.x line fails with a 500.
     */
    @Put
    Trigger updateTrigger(@Body Trigger newTrigger) {
        newTrigger.setTenantId(MAIN);
        Flow flow = flows.findById(MAIN, newTrigger.getNamespace(), newTrigger.getFlowId())
            .orElseThrow(() -> new NoSuchElementException("Flow of trigger " + newTrigger.getTriggerId() + " not found"));
        AbstractTrigger definition = definition(flow, newTrigger.getTriggerId()).orElseThrow(() ->
            new NoSuchElementException("Flow " + flow.getId() + " has no trigger " + newTrigger.getTriggerId()));
        if (definition instanceof RealtimeTriggerInterface) {
            throw new IllegalArgumentException("Realtime triggers can not be updated through the API, please edit the trigger definition.");
        }
        Trigger updated = triggers.lock(newTrigger.uid(), current -> newTrigger.getBackfill() == null
            ? withDisabled(current, newTrigger.getDisabled())
            : withBackfill(current, newTrigger.getBackfill(), flow, definition));
        return Optional.ofNullable(updated).orElseThrow(NotFoundException::new);
    }

    /** Passes over what is gone and what is realtime; the count is the number asked for. */
    @Post("/set-disabled/by-triggers")
    Map<String, Integer> setDisabled(@Body SetDisabled request) {
        request.triggers().stream()
            .filter(trigger -> definition(trigger).filter(it -> !(it instanceof RealtimeTriggerInterface)).isPresent())
            .forEach(trigger -> triggers.lock(trigger.uid(), current -> withDisabled(current, request.disabled())));
        return Map.of("count", request.triggers().size());
    }

    /** What the given backfill sets itself, {@code paused} included, is kept. */
    private Trigger withBackfill(Trigger current, Backfill backfill, Flow flow, AbstractTrigger definition) {
        try {
            Trigger filled = current.withBackfill(backfill);
            return filled.toBuilder().nextExecutionDate(next(filled, flow, definition)).build();
        } catch (Exception error) {
            throw new HttpStatusException(HttpStatus.BAD_REQUEST, error.getMessage());
        }
    }

    /** A disabled trigger loses its next date. One that is enabled has none until the scheduler computes it, from its last. */
    private static Trigger withDisabled(Trigger current, boolean disabled) {
        if (current.getDisabled() == disabled) {
            return current;
        }
        Trigger.TriggerBuilder<?, ?> changed = current.toBuilder().disabled(disabled);
        if (disabled) {
            changed.nextExecutionDate(null);
        }
        return changed.build();
    }

    private @Nullable ZonedDateTime next(Trigger state, Flow flow, AbstractTrigger definition) throws Exception {
        if (!(definition instanceof PollingTriggerInterface polling)) {
            return null;
        }
        ConditionContext context = conditions.conditionContext(runContexts.of(flow, definition), flow, null);
        return polling.nextEvaluationDate(context, Optional.of(state));
    }

    private Optional<AbstractTrigger> definition(Trigger state) {
        return flows.findById(MAIN, state.getNamespace(), state.getFlowId()).flatMap(flow -> definition(flow, state.getTriggerId()));
    }

    private static Optional<AbstractTrigger> definition(Flow flow, String triggerId) {
        return Stream.ofNullable(flow.getTriggers()).flatMap(List::stream)
            .filter(trigger -> trigger.getId().equals(triggerId))
            .findFirst();
    }
}
