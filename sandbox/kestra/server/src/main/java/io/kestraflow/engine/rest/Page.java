package io.kestraflow.engine.rest;

import io.kestra.core.models.validations.ManualConstraintViolation;
import io.kestra.core.repositories.ArrayListTotal;
import io.micronaut.data.model.Pageable;
import io.micronaut.data.model.Sort;
import io.micronaut.http.HttpParameters;
import io.micronaut.http.HttpRequest;
import java.util.List;
import java.util.function.UnaryOperator;

/** A page of results, with the number of all that match. */
record Page<T>(List<T> results, long total) {
    private static final int DEFAULT_SIZE = 10;

    static <T> Page<T> of(ArrayListTotal<T> found) {
        return new Page<>(found, found.getTotal());
    }

    /** Reads {@code page} (from 1), {@code size} and {@code sort=field:asc} of a request; the operation names the violations. */
    static Pageable requested(HttpRequest<?> request, String operation, UnaryOperator<String> column) {
        HttpParameters parameters = request.getParameters();
        int page = positive(parameters, operation, "page", 1);
        int size = positive(parameters, operation, "size", DEFAULT_SIZE);
        List<Sort.Order> orders = parameters.getAll("sort").stream()
            .flatMap(value -> List.of(value.split(",")).stream())
            .map(value -> order(value, column))
            .toList();
        return Pageable.from(page, size, orders.isEmpty() ? Sort.UNSORTED : Sort.of(orders));
    }

    private static int positive(HttpParameters parameters, String operation, String name, int otherwise) {
        int value = parameters.get(name, Integer.class).orElse(otherwise);
        if (value < 1) {
            throw ManualConstraintViolation.toConstraintViolationException(
                "must be greater than or equal to 1", value, Integer.class, operation + "." + name, value);
        }
        return value;
    }

    private static Sort.Order order(String value, UnaryOperator<String> column) {
        String[] parts = value.split(":");
        if (parts.length != 2) {
            throw new IllegalArgumentException("Invalid sort parameter: " + value);
        }
        String property = column.apply(parts[0]);
        return parts[1].equals("desc") ? Sort.Order.desc(property) : Sort.Order.asc(property);
    }
}
