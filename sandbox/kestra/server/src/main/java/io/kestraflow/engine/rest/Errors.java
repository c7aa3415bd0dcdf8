package io.kestraflow.engine.rest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import io.kestra.core.exceptions.ConflictException;
import io.kestra.core.exceptions.DeserializationException;
import io.kestra.core.exceptions.FlowProcessingException;
import io.kestra.core.exceptions.InvalidException;
import io.kestra.core.exceptions.InvalidQueryFiltersException;
import io.kestra.core.exceptions.ResourceExpiredException;
import io.micronaut.core.convert.exceptions.ConversionErrorException;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Error;
import io.micronaut.http.exceptions.HttpStatusException;
import io.micronaut.http.server.exceptions.NotAllowedException;
import io.micronaut.http.server.exceptions.NotFoundException;
import io.micronaut.http.server.exceptions.UnsupportedMediaException;
import io.micronaut.web.router.exceptions.UnsatisfiedRouteException;
import jakarta.validation.ConstraintViolationException;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which status and which words an exception gets. */
@Controller
class Errors {
    private static final Logger LOG = LoggerFactory.getLogger(Errors.class);

    @Error(global = true)
    HttpResponse<ErrorBody> invalidEntity(HttpRequest<?> request, ConstraintViolationException error) {
        List<ErrorBody> items = error.getConstraintViolations() == null ? List.of() : error.getConstraintViolations().stream()
            .map(violation -> ErrorBody.item(violation.getMessage(), violation.getPropertyPath().toString()))
            .toList();
        return ErrorBody.response(request, HttpStatus.UNPROCESSABLE_ENTITY, "Invalid entity: " + error.getMessage(), items);
    }

    @Error(global = true)
    HttpResponse<ErrorBody> invalidFlow(HttpRequest<?> request, FlowProcessingException error) {
        return error.getCause() instanceof ConstraintViolationException violation
            ? invalidEntity(request, violation)
            : unprocessable(request, "Invalid entity", error);
    }

    @Error(global = true)
    HttpResponse<ErrorBody> invalid(HttpRequest<?> request, InvalidException error) {
        return unprocessable(request, "Invalid entity", error);
    }

    @Error(global = true)
    HttpResponse<ErrorBody> illegalArgument(HttpRequest<?> request, IllegalArgumentException error) {
        return unprocessable(request, "Illegal argument", error);
    }

    @Error(global = true)
    HttpResponse<ErrorBody> unsatisfiedRoute(HttpRequest<?> request, UnsatisfiedRouteException error) {
        return unprocessable(request, "Invalid route params", error);
    }

    @Error(global = true)
    HttpResponse<ErrorBody> unreadableJson(HttpRequest<?> request, JsonProcessingException error) {
        return ErrorBody.response(request, HttpStatus.UNPROCESSABLE_ENTITY, "Invalid json", List.of(ErrorBody.item(error.getMessage(), null)));
    }

    @Error(global = true)
    HttpResponse<ErrorBody> wrongType(HttpRequest<?> request, ConversionErrorException error) {
        String path = error.getCause() instanceof JsonMappingException mapping
            ? mapping.getPath().stream().map(JsonMappingException.Reference::getDescription).collect(Collectors.joining(" > "))
            : null;
        return ErrorBody.response(request, HttpStatus.UNPROCESSABLE_ENTITY, "Invalid json mapping",
            List.of(ErrorBody.item(error.getMessage(), path)));
    }

    @Error(global = true)
    HttpResponse<ErrorBody> invalidFilters(HttpRequest<?> request, InvalidQueryFiltersException error) {
        return ErrorBody.response(request, HttpStatus.BAD_REQUEST, "Bad Request: " + error.formatedInvalidObjects());
    }

    @Error(global = true)
    HttpResponse<ErrorBody> conflict(HttpRequest<?> request, IllegalStateException error) {
        return ErrorBody.response(request, HttpStatus.CONFLICT, "Conflict: " + error.getMessage());
    }

    @Error(global = true)
    HttpResponse<ErrorBody> conflict(HttpRequest<?> request, ConflictException error) {
        return ErrorBody.response(request, HttpStatus.CONFLICT, "Conflict: " + error.getMessage());
    }

    @Error(global = true)
    HttpResponse<ErrorBody> locked(HttpRequest<?> request, DeserializationException error) {
        return ErrorBody.response(request, HttpStatus.LOCKED, "Locked: " + error.getMessage());
    }

    @Error(global = true)
    HttpResponse<ErrorBody> expired(HttpRequest<?> request, ResourceExpiredException error) {
        return ErrorBody.response(request, HttpStatus.GONE, "Resource has expired: " + error.getMessage());
    }

    @Error(global = true)
    HttpResponse<ErrorBody> notFound(HttpRequest<?> request, NoSuchElementException error) {
        return ErrorBody.response(request, HttpStatus.NOT_FOUND, "Not Found: " + error.getMessage());
    }

    @Error(global = true)
    HttpResponse<ErrorBody> notFound(HttpRequest<?> request, io.kestra.core.exceptions.NotFoundException error) {
        return ErrorBody.response(request, HttpStatus.NOT_FOUND, "Not Found: " + error.getMessage());
    }

    /**
     * No such path, or nothing there. Controllers throw this and never return null: Micronaut 4.9 turns a null into a status
     * that is routed again, and loops for ever where the request has a body that came in parts.
     */
    @Error(global = true)
    HttpResponse<ErrorBody> notFound(HttpRequest<?> request, NotFoundException error) {
        return ErrorBody.response(request, HttpStatus.NOT_FOUND, "Not Found");
    }

    @Error(global = true)
    HttpResponse<ErrorBody> notAllowed(HttpRequest<?> request, NotAllowedException error) {
        return status(request, error);
    }

    @Error(global = true)
    HttpResponse<ErrorBody> unsupportedMedia(HttpRequest<?> request, UnsupportedMediaException error) {
        return status(request, error);
    }

    @Error(global = true)
    HttpResponse<ErrorBody> status(HttpRequest<?> request, HttpStatusException error) {
        return ErrorBody.response(request, error.getStatus(), error.getStatus().getReason() + ": " + error.getMessage());
    }

    @Error(global = true)
    HttpResponse<ErrorBody> internal(HttpRequest<?> request, Throwable error) {
        LOG.error("{} {} failed", request.getMethod(), request.getPath(), error);
        return ErrorBody.response(request, HttpStatus.INTERNAL_SERVER_ERROR, "Internal server error: " + error.getMessage());
    }

    private static HttpResponse<ErrorBody> unprocessable(HttpRequest<?> request, String reason, Exception error) {
        return ErrorBody.response(request, HttpStatus.UNPROCESSABLE_ENTITY, reason + ": " + error.getMessage());
    }
}
