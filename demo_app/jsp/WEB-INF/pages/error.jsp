<%@ page isErrorPage="true" %>
<%@ include file="/WEB-INF/include/site.jspf" %><%
  Object status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
  Object known = request.getAttribute("error.title"), told = request.getAttribute("error.text");
  boolean missing = known == null && Integer.valueOf(404).equals(status);
  String title = known != null ? known.toString() : missing ? "Page not found" : "Something went wrong";
  String text = told != null ? told.toString() : missing ? "There is no page at this address." : "The exam server could not answer this request. Your saved answers are not affected.";
  String id = "error", head = "", beforeHead = "";
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<h1><%= h(title) %></h1>
<p class="message error"><%= h(text) %></p>
<p><a href="<%= response.encodeURL("/exams") %>">Back to the list of examinations</a></p>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
