package io.kestraflow.engine.rest;

import io.kestra.core.models.triggers.Backfill;
import io.kestra.core.models.triggers.Trigger;
import io.kestra.core.repositories.TriggerRepositoryInterface;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.Put;
import io.micronaut.http.exceptions.HttpStatusException;
import io.micronaut.http.server.exceptions.NotFoundException;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Inject;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Pause, resume and removal of a running backfill. The row is looked up by the body as it came: without
 * {@code "tenantId":"main"} in it there is none, as on the 1.x line.
 */
@Controller(Tenants.BASE + "/triggers/backfill")
@ExecuteOn(TaskExecutors.BLOCKING)
class BackfillController {
    @Inject TriggerRepositoryInterface triggers;

    @Put("/pause")
    Trigger pauseBackfill(@Body Trigger trigger) {
        return change(trigger, current -> withPaused(current, true));
    }

    @Put("/unpause")
    Trigger unpauseBackfill(@Body Trigger trigger) {
        return change(trigger, current -> withPaused(current, false));
    }

    /** Drops the slots that have not started, and gives the trigger its former next date back. */
    @Post("/delete")
    Trigger deleteBackfill(@Body Trigger trigger) {
        return change(trigger, current -> {
            Trigger.TriggerBuilder<?, ?> changed = current.toBuilder();
            changed.nextExecutionDate(current.getBackfill().getPreviousNextExecutionDate());
            changed.backfill(null);
            return changed.build();
        });
    }

    private Trigger change(Trigger trigger, UnaryOperator<Trigger> change) {
        Trigger changed = triggers.lock(trigger.uid(), current -> {
            if (current.getBackfill() == null) {
                throw new HttpStatusException(HttpStatus.BAD_REQUEST, "No backfill found");
            }
            return change.apply(current);
        });
        return Optional.ofNullable(changed).orElseThrow(NotFoundException::new);
    }

    private static Trigger withPaused(Trigger current, boolean paused) {
        Backfill backfill = current.getBackfill().toBuilder().paused(paused).build();
        Trigger.TriggerBuilder<?, ?> changed = current.toBuilder();
        changed.backfill(backfill);
        return changed.build();
    }
}
