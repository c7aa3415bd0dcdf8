package io.kestraflow.engine.rest;

import io.kestra.core.models.QueryFilter;
import io.kestra.core.models.QueryFilter.Field;
import io.kestra.core.models.QueryFilter.Op;
import io.kestra.core.models.flows.FlowScope;
import io.kestra.core.models.flows.State;
import io.kestra.core.repositories.ExecutionRepositoryInterface.ChildFilter;
import io.micronaut.http.HttpRequest;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads the filters of a search request: {@code filters[field][OP]=value}, {@code filters[labels][OP][key]=value}, or, where
 * there is none of those, the older {@code namespace} (a prefix), {@code flowId}, {@code state}, {@code labels=key:value}
 * and {@code q}.
 */
final class Filters {
    private static final Pattern NAME = Pattern.compile("filters\\[(\\w+)]\\[(\\w+)](?:\\[(.+)])?");

    private Filters() {}

    static List<QueryFilter> requested(HttpRequest<?> request) {
        List<QueryFilter> filters = new ArrayList<>();
        Map<Op, Map<String, String>> labels = new HashMap<>();
        request.getParameters().forEach((name, values) -> {
            Matcher match = NAME.matcher(name);
            if (!match.matches()) {
                return;
            }
            Field field = Field.fromString(match.group(1));
            Op operation = Op.valueOf(match.group(2));
            if (field == Field.LABELS && match.group(3) != null) {
                labels.computeIfAbsent(operation, ignored -> new HashMap<>()).put(match.group(3), values.getFirst());
            } else {
                filters.add(filter(field, operation, values.getFirst()));
            }
        });
        labels.forEach((operation, map) -> filters.add(new QueryFilter(Field.LABELS, operation, map)));
        return filters.isEmpty() ? legacy(request) : filters;
    }

    private static QueryFilter filter(Field field, Op operation, String value) {
        if (field == Field.TIME_RANGE) {
            return new QueryFilter(Field.START_DATE, Op.GREATER_THAN_OR_EQUAL_TO, ZonedDateTime.now().minus(Duration.parse(value)));
        }
        if (field == Field.SCOPE) {
            return new QueryFilter(field, operation, list(value).map(FlowScope::valueOf).toList());
        }
        if (operation == Op.IN || operation == Op.NOT_IN) {
            return new QueryFilter(field, operation, list(value).map(item -> typed(field, item)).toList());
        }
        return new QueryFilter(field, operation, typed(field, value));
    }

    private static Object typed(Field field, String value) {
        return switch (field) {
            case STATE -> State.Type.valueOf(value);
            case CHILD_FILTER -> ChildFilter.valueOf(value);
            default -> value;
        };
    }

    private static Stream<String> list(String value) {
        return Stream.of(value.replaceAll("[\\[\\]]", "").split(","));
    }

    private static List<QueryFilter> legacy(HttpRequest<?> request) {
        List<QueryFilter> filters = new ArrayList<>();
        request.getParameters().getFirst("namespace").ifPresent(it -> filters.add(new QueryFilter(Field.NAMESPACE, Op.PREFIX, it)));
        request.getParameters().getFirst("flowId").ifPresent(it -> filters.add(new QueryFilter(Field.FLOW_ID, Op.EQUALS, it)));
        request.getParameters().getFirst("q").ifPresent(it -> filters.add(new QueryFilter(Field.QUERY, Op.EQUALS, it)));
        List<String> states = request.getParameters().getAll("state");
        if (!states.isEmpty()) {
            filters.add(new QueryFilter(Field.STATE, Op.IN, states.stream().map(State.Type::valueOf).toList()));
        }
        List<String> labels = request.getParameters().getAll("labels");
        if (!labels.isEmpty()) {
            filters.add(new QueryFilter(Field.LABELS, Op.EQUALS, Labels.map(labels)));
        }
        return filters;
    }
}
