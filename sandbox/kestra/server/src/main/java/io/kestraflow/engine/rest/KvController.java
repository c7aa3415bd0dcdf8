package io.kestraflow.engine.rest;

import static io.kestraflow.engine.rest.Tenants.MAIN;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kestra.core.exceptions.ResourceExpiredException;
import io.kestra.core.models.kv.KVType;
import io.kestra.core.models.kv.PersistedKvMetadata;
import io.kestra.core.repositories.KvMetadataRepositoryInterface;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.services.KVStoreService;
import io.kestra.core.storages.kv.KVEntry;
import io.kestra.core.storages.kv.KVMetadata;
import io.kestra.core.storages.kv.KVStore;
import io.kestra.core.storages.kv.KVValueAndMetadata;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.data.model.Pageable;
import io.micronaut.data.model.Sort;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Delete;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Header;
import io.micronaut.http.annotation.Put;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Inject;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.UnaryOperator;

/** Key-value entries of a namespace; the namespace need not have a flow. */
@Controller(Tenants.BASE)
@ExecuteOn(TaskExecutors.BLOCKING)
class KvController {
    private static final Pageable BY_KEY = Pageable.UNPAGED.withSort(Sort.of(Sort.Order.asc("key")));

    /** A value as it reads back. */
    record TypedValue(KVType type, @Nullable Object value) {}

    @Inject KVStoreService stores;
    @Inject KvMetadataRepositoryInterface metadata;

    /** Takes the first Ion value of the body; description and ttl are cleared where their header is missing. */
    @Put(uri = "/namespaces/{namespace}/kv/{key}", consumes = MediaType.TEXT_PLAIN)
    HttpResponse<?> setKeyValue(
        String namespace,
        String key,
        @Body String value,
        @Header("ttl") @Nullable String ttl,
        @Header("description") @Nullable String description) throws IOException {
        KVMetadata about = new KVMetadata(description, ttl == null ? null : Duration.parse(ttl));
        store(namespace).put(key, new KVValueAndMetadata(about, parsed(value)));
        return HttpResponse.ok();
    }

    @Get("/namespaces/{namespace}/kv/{key}")
    TypedValue keyValue(String namespace, String key) throws IOException, ResourceExpiredException {
        Object value = store(namespace).getValue(key)
            .orElseThrow(() -> new NoSuchElementException("No value found for key '" + key + "' in namespace '" + namespace + "'"))
            .value();
        return new TypedValue(KVType.from(value), value);
    }

    @Delete("/namespaces/{namespace}/kv/{key}")
    boolean deleteKeyValue(String namespace, String key) throws IOException {
        return store(namespace).delete(key);
    }

    @Get("/namespaces/{namespace}/kv")
    List<KVEntry> listKeys(String namespace) throws IOException {
        return store(namespace).list(BY_KEY);
    }

    @Get("/kv")
    Page<KVEntry> listAllKeys(HttpRequest<?> request) throws IOException {
        Pageable pageable = Page.requested(request, "listAllKeys", UnaryOperator.identity());
        Pageable sorted = pageable.isSorted() ? pageable : pageable.withSort(BY_KEY.getSort());
        return Page.of(metadata.find(sorted, MAIN, Filters.requested(request), false, false).map(KvController::entry));
    }

    private KVStore store(String namespace) {
        return stores.get(MAIN, namespace, namespace);
    }

    private static Object parsed(String value) {
        try {
            return JacksonMapper.ofIon().readValue(value, Object.class);
        } catch (JsonProcessingException error) {
            throw new IllegalArgumentException("Invalid JSON value for: " + value);
        }
    }

    private static KVEntry entry(PersistedKvMetadata metadata) {
        try {
            return KVEntry.from(metadata);
        } catch (IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }
}
