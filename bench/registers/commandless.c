/*
 * A Vulkan layer in which command buffers begin and end without the driver. Mesa's RADV compiles for hardware that is not there, but crashes
 * on most of it when a command buffer begins, which Dawn has one do as soon as it opens a device. Nothing is ever submitted here.
 *
 * The loader (LoaderLayerInterface.md of Khronos's Vulkan-Loader) calls the layer's vkCreateInstance and vkCreateDevice with the next link
 * of the chain in `pNext`. The few types below are those of vulkan_core.h and vk_layer.h, whose headers need not be installed for this.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef void *Handle;
typedef int32_t Result;
typedef void (*Function)(void);
typedef Function (*GetProcAddr)(Handle, const char *);

enum { SUCCESS = 0, INITIALIZATION_FAILED = -3, LOADER_INSTANCE_CREATE_INFO = 47, LOADER_DEVICE_CREATE_INFO = 48, LAYER_LINK_INFO = 0 };

/* VkLayerInstanceLink and VkLayerDeviceLink agree in what is read here: a device's link has both functions, an instance's the first. */
typedef struct Link {
  struct Link *next;
  GetProcAddr get_instance_proc_addr;
  GetProcAddr get_device_proc_addr;
} Link;

typedef struct CreateInfo {
  int32_t type;
  struct CreateInfo *next;
  int32_t function;
  Link *link;
} CreateInfo;

static GetProcAddr next_instance_proc_addr, next_device_proc_addr;
static Handle instance;

/* Takes the next link off the chain, as each layer must before it calls on. */
static Link *take_link(CreateInfo *info, int32_t type) {
  CreateInfo *found = info->next;
  while (found && !(found->type == type && found->function == LAYER_LINK_INFO)) found = found->next;
  if (!found) return NULL;
  Link *link = found->link;
  found->link = link->next;
  return link;
}

static Result create_instance(CreateInfo *info, const void *allocator, Handle *created) {
  Link *link = take_link(info, LOADER_INSTANCE_CREATE_INFO);
  if (!link) return INITIALIZATION_FAILED;
  next_instance_proc_addr = link->get_instance_proc_addr;
  Result (*create)(void *, const void *, Handle *) = (void *)next_instance_proc_addr(NULL, "vkCreateInstance");
  Result result = create(info, allocator, created);
  instance = *created;
  return result;
}

static Result create_device(Handle physical, CreateInfo *info, const void *allocator, Handle *created) {
  Link *link = take_link(info, LOADER_DEVICE_CREATE_INFO);
  if (!link) return INITIALIZATION_FAILED;
  next_device_proc_addr = link->get_device_proc_addr;
  Result (*create)(Handle, void *, const void *, Handle *) = (void *)link->get_instance_proc_addr(instance, "vkCreateDevice");
  return create(physical, info, allocator, created);
}

static Result begin_command_buffer(Handle buffer, const void *info) { return (void)buffer, (void)info, SUCCESS; }
static Result end_command_buffer(Handle buffer) { return (void)buffer, SUCCESS; }

Function vkGetInstanceProcAddr(Handle of, const char *name);

Function vkGetDeviceProcAddr(Handle of, const char *name) {
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (Function)vkGetDeviceProcAddr;
  if (!strcmp(name, "vkBeginCommandBuffer")) return (Function)begin_command_buffer;
  if (!strcmp(name, "vkEndCommandBuffer")) return (Function)end_command_buffer;
  return next_device_proc_addr(of, name);
}

Function vkGetInstanceProcAddr(Handle of, const char *name) {
  if (!strcmp(name, "vkGetInstanceProcAddr")) return (Function)vkGetInstanceProcAddr;
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (Function)vkGetDeviceProcAddr;
  if (!strcmp(name, "vkCreateInstance")) return (Function)create_instance;
  if (!strcmp(name, "vkCreateDevice")) return (Function)create_device;
  return next_instance_proc_addr ? next_instance_proc_addr(of, name) : NULL;
}
