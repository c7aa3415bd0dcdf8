import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kestra.core.models.triggers.Backfill;
import io.kestra.core.models.triggers.TriggerContext;
import io.kestra.plugin.core.trigger.Schedule;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.zone.ZoneOffsetTransition;
import java.util.Optional;
import org.slf4j.LoggerFactory;

/**
 * Says which slots Kestra's own Schedule trigger has. A question is a line of JSON, the answer too; times are seconds since the epoch.
 *
 * <p>{@code {cron, withSeconds, zone, start, end, limit}}: the slots of a backfill of that range, at most {@code limit}, as
 * {@code {slots}}; {@code {refused}} where Kestra does not take the expression or the zone, and {@code {slots, broken}} where its
 * walk finds no next date though the range has not ended.
 *
 * <p>{@code {changes: zone, from, to}}: the instants between at which the clocks of a zone change, each with the offset that then
 * begins, as {@code {changes: [[instant, offset], ...]}}.
 */
public class Slots {
  private static final ZonedDateTime NEVER = ZonedDateTime.of(9999, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC);
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    // Logging goes to the standard output, of which there is much.
    ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.OFF);
    PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      JsonNode question = JSON.readTree(line);
      answers.println(question.has("changes") ? changes(question) : slots(question));
    }
    answers.flush();
  }

  /** What the scheduler does with a backfill, step by step: AbstractScheduler.handle and Trigger.checkBackfill of Kestra 1.1. */
  private static ObjectNode slots(JsonNode question) {
    ObjectNode answer = JSON.createObjectNode();
    Schedule schedule;
    ZonedDateTime current;
    ZonedDateTime end;
    try {
      String zone = question.get("zone").asText();
      schedule =
          Schedule.builder()
              .id("schedule")
              .type(Schedule.class.getName())
              .cron(question.get("cron").asText())
              .withSeconds(question.get("withSeconds").asBoolean())
              .timezone(zone)
              .build();
      schedule.parseCron().validate();
      current = Instant.ofEpochSecond(question.get("start").asLong()).atZone(ZoneId.of(zone));
      end = Instant.ofEpochSecond(question.get("end").asLong()).atZone(ZoneOffset.UTC);
    } catch (Exception error) {
      return answer.put("refused", String.valueOf(error.getMessage()));
    }
    ArrayNode slots = answer.putArray("slots");
    int limit = question.get("limit").asInt();
    while (slots.size() < limit && !current.isAfter(end)) {
      // Schedule.evaluate runs a date only when it is the next one, seen from a second earlier.
      ZonedDateTime due = next(schedule, current.minusSeconds(1));
      if (due != null && !current.isBefore(due)) slots.add(due.toEpochSecond());
      current = next(schedule, current);
      if (current == null) return answer.put("broken", true);
    }
    return answer;
  }

  /** The end is far away, as Schedule counts from now on once it is passed. */
  private static ZonedDateTime next(Schedule schedule, ZonedDateTime date) {
    Backfill backfill = Backfill.builder().start(date).currentDate(date).end(NEVER).build();
    return schedule.nextEvaluationDate(null, Optional.of(TriggerContext.builder().backfill(backfill).build()));
  }

  private static ObjectNode changes(JsonNode question) {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode changes = answer.putArray("changes");
    Instant to = Instant.ofEpochSecond(question.get("to").asLong());
    Instant instant = Instant.ofEpochSecond(question.get("from").asLong());
    while (true) {
      ZoneOffsetTransition change = ZoneId.of(question.get("changes").asText()).getRules().nextTransition(instant);
      if (change == null || change.getInstant().isAfter(to)) return answer;
      instant = change.getInstant();
      changes.addArray().add(instant.getEpochSecond()).add(change.getOffsetAfter().getTotalSeconds());
    }
  }
}
