package io.kestraflow.engine.rest;

import io.kestra.core.plugins.PluginRegistry;
import io.kestra.core.services.InstanceService;
import io.kestra.core.utils.EditionProvider;
import io.kestra.core.utils.VersionProvider;
import io.micronaut.context.annotation.Value;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import jakarta.inject.Inject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Who answers: version, edition, the identity of the store, and a hash that changes with the installed plugins. */
@Controller
@ExecuteOn(TaskExecutors.BLOCKING)
class ServerController {
    @Inject InstanceService instance;
    @Inject VersionProvider version;
    @Inject EditionProvider edition;
    @Inject PluginRegistry plugins;
    @Value("${engine.url}") String url;

    @Get("/ping")
    String ping() {
        return "pong";
    }

    @Get("/api/v1/configs")
    Map<String, Object> configs() {
        Map<String, Object> configs = new LinkedHashMap<>();
        configs.put("uuid", instance.fetch());
        configs.put("version", version.getVersion());
        configs.put("edition", edition.get());
        configs.put("chartDefaultDuration", "P30D");
        configs.put("isCustomDashboardsEnabled", true);
        configs.put("isAnonymousUsageEnabled", false);
        configs.put("isUiAnonymousUsageEnabled", false);
        configs.put("isTemplateEnabled", false);
        configs.put("url", url);
        configs.put("preview", Map.of("initial", 100, "max", 5000));
        configs.put("systemNamespace", "system");
        configs.put("hiddenLabelsPrefixes", List.of("system.", "internal."));
        configs.put("isAiEnabled", false);
        configs.put("isBasicAuthInitialized", true);
        configs.put("pluginsHash", plugins.hash());
        return configs;
    }
}
